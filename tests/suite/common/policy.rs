//! Rules in `golive.yaml`, changed as people do it.

use std::fs;

use super::{Place, Service};

impl Place {
    /// Writes `golive.yaml` with `rules` below the mark.
    pub(crate) fn write_rules(&self, rules: &str) {
        fs::write(self.repo().join("golive.yaml"), format!("golive: 1\n{rules}")).expect("written");
    }
}

impl Service<'_> {
    /// Commits `golive.yaml` with `rules` below the mark, and waits until that is served.
    pub(crate) fn commit_rules(&self, rules: &str) -> String {
        self.commit_rules_unseen(rules);
        self.wait_until_settled();
        self.tip()
    }

    /// The same without a wait: the service has not looked yet.
    pub(crate) fn commit_rules_unseen(&self, rules: &str) {
        self.place.write_rules(rules);
        let commit = "git add golive.yaml && git commit -q -m 'Change the rules' -- golive.yaml";
        // The service brings the index forward now and then, and has it locked for that.
        self.wait_until("the rules are committed", || self.place.sh_in(self.place.repo(), commit).status.success());
    }

    /// The blob of `golive.yaml` at `commit`.
    pub(crate) fn rules_at(&self, commit: &str) -> String {
        self.git(&["rev-parse", &format!("{commit}:golive.yaml")]).trim().to_owned()
    }
}
