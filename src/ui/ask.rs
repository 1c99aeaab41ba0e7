//! Questions with a line of text for an answer, with a proposal that Enter takes.

use inquire::validator::{ErrorMessage, Validation};
use inquire::{InquireError, Text};

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
        let answer = asking(ask).map_err(|error| match error {
            InquireError::OperationCanceled | InquireError::OperationInterrupted => {
                AskError::Interrupted
            }
            InquireError::IO(error) => AskError::Io(error),
            other => AskError::Io(std::io::Error::other(other)),
        })?;
        Ok(answer.trim().to_owned())
    }
}
