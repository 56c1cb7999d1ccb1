//! Exit codes, and what stops a command early.

use std::{fmt, io};

/// How a command ended, from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// Everything came out as stated.
    #[default]
    AsStated,
    /// Something could not be answered.
    Inconclusive,
    /// A specification with errors, a claim that came out otherwise than stated, a refused trace.
    Findings,
    /// Wrong arguments, or a file that cannot be read or written.
    Usage,
    /// A bug of ours.
    Bug,
}

impl Status {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::AsStated => 0,
            Self::Inconclusive => 3,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Bug => 70,
        }
    }

    /// Remembers the worse of the two.
    pub(crate) fn meet(&mut self, other: Self) {
        *self = (*self).max(other);
    }
}

/// Why a command stopped before its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments ask for something that there is not.
    Usage(String),
    /// A file cannot be read or written.
    File {
        /// Its path.
        path: String,
        /// What was tried: `read`, `write`.
        what: &'static str,
        /// Why it failed.
        reason: String,
    },
    /// Nobody reads the results any more; what was found until then.
    Pipe(Status),
    /// The results cannot be written.
    Output(io::Error),
}

impl Failure {
    /// A failure to write results, with what was found until then.
    pub(crate) fn output(error: io::Error, so_far: Status) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Pipe(so_far) } else { Self::Output(error) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::output(error, Status::AsStated)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => f.write_str(text),
            Self::File { path, what, reason } => write!(f, "cannot {what} `{path}`: {reason}"),
            Self::Pipe(_) => f.write_str("nobody reads the results"),
            Self::Output(error) => write!(f, "cannot write the results: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_70_2_1_3_0() {
        let mut status = Status::AsStated;
        let codes =
            [Status::Inconclusive, Status::Findings, Status::AsStated, Status::Usage, Status::Bug].map(|next| {
                status.meet(next);
                status.code()
            });
        assert_eq!(codes, [3, 1, 1, 2, 70]);
    }
}
