//! Questions with a line of text for an answer, with a proposal that Enter takes; and with yes or no.

use inquire::validator::{ErrorMessage, Validation};
use inquire::{Confirm, InquireError, Text};

use super::{AskError, Ui, asking, platform};

/// A question.
pub struct Question<'q> {
    /// What is asked.
    pub question: &'q str,
    /// What Enter alone answers.
    pub proposal: Option<&'q str>,
    /// A word or two on what is meant, below the question.
    pub help: Option<&'q str>,
}

impl Ui {
    /// Asks until `check` has nothing against the answer; what it returns is shown.
    ///
    /// # Errors
    ///
    /// There is nobody to ask, or they left.
    pub fn ask(
        &self,
        question: &Question<'_>,
        check: impl Fn(&str) -> Option<String> + Clone + 'static,
    ) -> Result<String, AskError> {
        if !self.can_ask() {
            return Err(AskError::NoTerminal);
        }
        let validator = move |answer: &str| {
            Ok(match check(answer.trim()) {
                None => Validation::Valid,
                Some(flaw) => Validation::Invalid(ErrorMessage::Custom(flaw)),
            })
        };
        let ask = || {
            let _stderr = platform::TerminalAsStderr::begin();
            let mut text = Text::new(question.question).with_validator(validator);
            text.default = question.proposal;
            text.help_message = question.help;
            text.prompt()
        };
        Ok(asking(ask).map_err(no_answer)?.trim().to_owned())
    }

    /// Asks whether to do what can't be undone: Enter alone is a no.
    ///
    /// # Errors
    ///
    /// There is nobody to ask, or they left.
    pub fn confirm(&self, question: &str) -> Result<bool, AskError> {
        if !self.can_ask() {
            return Err(AskError::NoTerminal);
        }
        let ask = || {
            let _stderr = platform::TerminalAsStderr::begin();
            Confirm::new(question).with_default(false).prompt()
        };
        asking(ask).map_err(no_answer)
    }
}

pub(super) fn no_answer(error: InquireError) -> AskError {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => {
            AskError::Interrupted
        }
        InquireError::IO(error) => AskError::Io(error),
        other => AskError::Io(std::io::Error::other(other)),
    }
}
