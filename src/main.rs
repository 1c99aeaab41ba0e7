//! The program: it hands over to the library.

fn main() -> std::process::ExitCode {
    vault::main()
}
