//! The orders of a list, and a place in one of them.

use std::cmp::Reverse;
use std::fmt;

use uuid::Uuid;

use super::Entry;

/// How a list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Newest submission first; ties by id, descending.
    #[default]
    Newest,
    /// The other way round: who has waited longest is first.
    Oldest,
    /// Latest change first, whatever it was; ties by id, descending.
    Updated,
    /// By server name, whatever its case; ties by id, descending.
    Name,
}

impl Order {
    pub const ALL: [Self; 4] = [Self::Newest, Self::Oldest, Self::Updated, Self::Name];

    /// Returns the word of the parameter `sort`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Updated => "updated",
            Self::Name => "name",
        }
    }

    /// Returns the order that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.as_str() == word)
    }
}

/// The place of a report in a list. Of two in one order, the lesser comes first.
/// Times are in seconds since 1970. As text it is what clients send back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cursor {
    Newest(Reverse<i64>, Reverse<Uuid>),
    Oldest(i64, Uuid),
    Updated(Reverse<i64>, Reverse<Uuid>),
    Name(Box<str>, Reverse<Uuid>),
}

impl Cursor {
    /// Returns the place of `entry`.
    pub fn of(order: Order, entry: &Entry) -> Self {
        let (submitted_at, id) = (entry.report.submitted_at.timestamp(), entry.report.id);
        match order {
            Order::Newest => Self::Newest(Reverse(submitted_at), Reverse(id)),
            Order::Oldest => Self::Oldest(submitted_at, id),
            Order::Updated => Self::Updated(Reverse(entry.updated_at.timestamp()), Reverse(id)),
            Order::Name => Self::Name(entry.folded_name().into(), Reverse(id)),
        }
    }

    /// Reads a place in a list in `order`; `None` for anything else.
    pub fn read(order: Order, text: &str) -> Option<Self> {
        let parts = || text.split_once('_');
        if order == Order::Newest {
            let (at, id) = parts()?;
            return Some(Self::Newest(Reverse(at.parse().ok()?), Reverse(Uuid::try_parse(id).ok()?)));
        }
        let (id, place) = parts().filter(|(word, _)| *word == order.as_str())?.1.split_once('_')?;
        let id = Uuid::try_parse(id).ok()?;
        Some(match order {
            Order::Newest | Order::Oldest => Self::Oldest(place.parse().ok()?, id),
            Order::Updated => Self::Updated(Reverse(place.parse().ok()?), Reverse(id)),
            Order::Name => Self::Name(place.into(), Reverse(id)),
        })
    }

    /// Returns the order whose places it is among.
    pub const fn order(&self) -> Order {
        match self {
            Self::Newest(..) => Order::Newest,
            Self::Oldest(..) => Order::Oldest,
            Self::Updated(..) => Order::Updated,
            Self::Name(..) => Order::Name,
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.order().as_str();
        match self {
            Self::Newest(Reverse(at), Reverse(id)) => write!(f, "{at}_{id}"),
            Self::Oldest(at, id) | Self::Updated(Reverse(at), Reverse(id)) => write!(f, "{word}_{id}_{at}"),
            Self::Name(name, Reverse(id)) => write!(f, "{word}_{id}_{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_is_read_back_in_its_own_order_alone() {
        let id = Uuid::from_u128(7);
        for cursor in [
            Cursor::Newest(Reverse(-5), Reverse(id)),
            Cursor::Oldest(5, id),
            Cursor::Updated(Reverse(5), Reverse(id)),
            Cursor::Name("a_b_ æ".into(), Reverse(id)),
        ] {
            for order in Order::ALL {
                let expected = (order == cursor.order()).then(|| cursor.clone());
                assert_eq!(Cursor::read(order, &cursor.to_string()), expected, "{cursor} as {order:?}");
            }
        }
    }
}
