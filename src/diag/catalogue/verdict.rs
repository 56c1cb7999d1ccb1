//! PL05: verdicts about protocols and systems.

codes! {}
