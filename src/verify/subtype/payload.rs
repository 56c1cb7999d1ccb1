//! Whether one message can stand for another with the same label.

use super::pair::{Content, Fit, Way};

/// Whether a message of the smaller type can stand for one of the larger: what is sent may be less than is expected,
/// what is received may be more.
#[must_use]
pub(super) fn fit(way: Way, sub: &Content, sup: &Content) -> Fit {
    let _ = way;
    if sub == sup {
        Fit::Yes
    } else if sub.is_plain() && sup.is_plain() {
        Fit::No
    } else {
        Fit::Unknown
    }
}
