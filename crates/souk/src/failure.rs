//! Why a command ends with another exit code than 0.

use std::fmt;

/// Why a command failed, for who typed it.
#[derive(Debug)]
pub struct Failure {
    message: String,
    /// Exit code: 1 failed, 2 wrong usage or a human has to look, 3 found differences or refuses.
    code: u8,
}

impl Failure {
    /// A failure with exit code 1.
    pub fn new(problem: impl fmt::Display) -> Self {
        Self { message: problem.to_string(), code: 1 }
    }

    /// The same failure, saying what was being done.
    #[must_use]
    pub fn during(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// The same failure with another exit code.
    #[must_use]
    pub fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// The exit code.
    pub const fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
