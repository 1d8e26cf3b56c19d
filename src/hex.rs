//! Ids in hexadecimal, in one step: `git2` writes its ids digit by digit, which takes as
//! long as all other headers of an answer.

use std::fmt;
use std::ops::Deref;

use git2::Oid;

/// The 40 digits of an id, in lower case.
#[derive(Clone, Copy)]
pub(crate) struct Hex([u8; 40]);

impl Hex {
    pub(crate) fn of(id: Oid) -> Self {
        let mut digits = [0; 40];
        base16ct::lower::encode(id.as_bytes(), &mut digits).expect("two digits for a byte");
        Self(digits)
    }
}

impl Deref for Hex {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits are ASCII")
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_git() {
        let id = Oid::from_str("0123456789abcdef0123456789abcdef0badcafe").expect("an id");
        assert_eq!(Hex::of(id).to_string(), id.to_string());
        assert_eq!(&*Hex::of(Oid::ZERO_SHA1), "0".repeat(40));
    }
}
