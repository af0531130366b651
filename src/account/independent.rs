//! Who counts as a second person. Heads and admins make accounts in their office and have each activation link in their
//! hands first, so that an account that was activated by a link of theirs may be they themselves: the two count as one.

use std::collections::{HashMap, HashSet};

use super::sql;
use crate::{
    clock::Time,
    db::Tx,
    error::Result,
    id::{OfficeId, PersonId},
};

/// Of an office, whose account was last activated by a link of whom. Provisioners, who make the first accounts, do not count.
pub(super) struct Links(HashMap<PersonId, PersonId>);

impl Links {
    pub(super) async fn of(tx: &mut Tx, office: OfficeId) -> Result<Links> {
        Ok(Links(sql::activated_by(tx, office).await?.into_iter().collect()))
    }

    pub(super) fn are_two(&self, one: PersonId, other: PersonId) -> bool {
        self.line(one).is_disjoint(&self.line(other))
    }

    /// The person, whoever gave them their link, whoever gave it to those, and so on.
    fn line(&self, person: PersonId) -> HashSet<PersonId> {
        let mut line = HashSet::from([person]);
        let mut last = person;
        while let Some(maker) = self.0.get(&last).filter(|maker| line.insert(**maker)) {
            last = *maker;
        }
        line
    }

    fn count(&self, people: &[PersonId]) -> usize {
        let mut counted: Vec<PersonId> = Vec::new();
        for person in people {
            if counted.iter().all(|other| self.are_two(*person, *other)) {
                counted.push(*person);
            }
        }
        counted.len()
    }
}

/// Whether the office itself has two who may decide about this person.
pub(super) async fn has_two(tx: &mut Tx, office: OfficeId, about: PersonId, now: Time) -> Result<bool> {
    let deciders = sql::deciders(tx, office, about, now).await?;
    Ok(Links::of(tx, office).await?.count(&deciders) >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn whoever_hands_on_links_counts_once_with_all_to_whom_they_went() {
        let people: Vec<PersonId> = (0..7).map(|_| PersonId::fresh(&Clock::default())).collect();
        let link = |person: usize, maker: usize| (people[person], people[maker]);
        // 0 made 1 and 2, 2 made 3; 4 and 5 made each other; 6 came from outside.
        let links = Links([link(1, 0), link(2, 0), link(3, 2), link(4, 5), link(5, 4)].into());
        for (one, other, two) in
            [(0, 1, false), (1, 2, false), (1, 3, false), (0, 3, false), (4, 5, false), (3, 4, true), (0, 6, true)]
        {
            assert_eq!(links.are_two(people[one], people[other]), two, "{one} and {other}");
            assert_eq!(links.are_two(people[other], people[one]), two, "{other} and {one}");
        }
        assert_eq!(links.count(&people), 3);
        assert_eq!(links.count(&people[..4]), 1);
        assert_eq!(links.count(&[]), 0);
    }
}
