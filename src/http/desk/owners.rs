//! The owners that the queue's filter offers: those with the most reports, as far
//! as they fit. Whoever looks for another one can search.

use std::cmp::Reverse;

use super::queue::Choice;
use super::show::Shown;
use crate::store::snapshot::Owner;

/// A longer name is not offered.
const OWNER_BYTES_MAX: usize = 100;
/// Characters of a name that are shown.
const TEXT_MAX: usize = 40;
/// All choices together take at most so many bytes of the page …
const CHOICES_BYTES_MAX: usize = 16 * 1024;
/// … of which each has these beside its texts.
const MARKUP_BYTES: usize = "<option value=\"\" selected></option>".len();

/// Returns the choices by name; the one that is `chosen` is always there.
pub(super) fn choices(owners: &[Owner], chosen: &str) -> Vec<Choice> {
    let mut found: Vec<_> = owners.iter().filter(|owner| owner.name.len() <= OWNER_BYTES_MAX).enumerate().collect();
    found.sort_by_key(|(_, owner)| Reverse(owner.n_reports));
    let mut n_left = CHOICES_BYTES_MAX;
    let mut choices: Vec<_> = found
        .into_iter()
        .map(|(n, owner)| (n, choice(owner, chosen)))
        .take_while(|(_, choice)| {
            let rest = n_left.checked_sub(n_bytes(choice));
            n_left = rest.unwrap_or_default();
            rest.is_some()
        })
        .collect();
    choices.sort_by_key(|(n, _)| *n);
    let mut choices: Vec<_> = choices.into_iter().map(|(_, choice)| choice).collect();
    if !chosen.is_empty() && !choices.iter().any(|choice| choice.is_chosen) {
        choices.push(Choice { value: chosen.to_owned(), text: Shown::shortened(chosen, TEXT_MAX), is_chosen: true });
    }
    choices
}

fn choice(owner: &Owner, chosen: &str) -> Choice {
    let name = Shown::shortened(&owner.name, TEXT_MAX);
    Choice {
        value: owner.name.clone(),
        text: Shown::new(&format!("{name} ({})", owner.n_reports)),
        is_chosen: owner.name.eq_ignore_ascii_case(chosen),
    }
}

/// Returns how many bytes of the page a choice takes.
fn n_bytes(choice: &Choice) -> usize {
    MARKUP_BYTES + escaped_len(&choice.value) + escaped_len(&choice.text.to_string())
}

/// Each character that HTML gives a meaning is written as five.
fn escaped_len(text: &str) -> usize {
    text.len() + 4 * text.matches(['&', '<', '>', '"', '\'']).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: String, n_reports: usize) -> Owner {
        Owner { name, n_reports }
    }

    #[test]
    fn choices_take_a_bounded_part_of_the_page() {
        let owners: Vec<_> = (0..200).map(|n| owner(format!("{n:03}{}", "&".repeat(97)), n)).collect();
        let choices = choices(&owners, "000");
        let n_all: usize = choices.iter().map(n_bytes).sum();
        assert!(n_all <= CHOICES_BYTES_MAX + 200, "{n_all}");
        let values: Vec<_> = choices.iter().map(|choice| &choice.value[..3]).collect();
        assert_eq!((values[values.len() - 2], values[values.len() - 1]), ("199", "000"), "the most, and the chosen");
        assert!(values[..values.len() - 1].is_sorted(), "{values:?}");
    }

    #[test]
    fn long_name_is_shortened_and_a_longer_one_left_out() {
        let owners = [owner("a".repeat(100), 1), owner("b".repeat(101), 1), owner("C".into(), 2)];
        let choices = choices(&owners, "c");
        let texts: Vec<_> = choices.iter().map(|choice| choice.text.to_string()).collect();
        assert_eq!(texts, [format!("{}… (1)", "a".repeat(40)), "C (2)".into()]);
        assert_eq!(choices.iter().map(|choice| choice.is_chosen).collect::<Vec<_>>(), [false, true]);
    }
}
