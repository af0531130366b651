//! A set of entries of one segment.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn new(len: u32) -> Bits {
        Bits(vec![0; (len as usize).div_ceil(64)])
    }

    pub(super) fn insert(&mut self, at: u32) {
        self.0[at as usize / 64] |= 1 << (at % 64);
    }

    pub(super) fn remove(&mut self, at: u32) {
        self.0[at as usize / 64] &= !(1 << (at % 64));
    }

    pub(super) fn contains(&self, at: u32) -> bool {
        self.0[at as usize / 64] >> (at % 64) & 1 == 1
    }

    /// The nearest member at or before `at`.
    pub(super) fn last_to(&self, at: u32) -> Option<u32> {
        let mut place = at as usize / 64;
        let mut word = self.0[place] & (u64::MAX >> (63 - at % 64));
        while word == 0 {
            place = place.checked_sub(1)?;
            word = self.0[place];
        }
        Some(place as u32 * 64 + 63 - word.leading_zeros())
    }

    pub(super) fn add(&mut self, other: &Bits) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    pub(super) fn keep(&mut self, other: &Bits) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= theirs);
    }

    pub(super) fn drop_all(&mut self, other: &Bits) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= !theirs);
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(at as u32 * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_member_before_a_place_is_found_across_words() {
        let mut bits = Bits::new(300);
        for at in [0, 63, 64, 200] {
            bits.insert(at);
        }
        let found = [0, 1, 62, 63, 64, 65, 199, 200, 299].map(|at| bits.last_to(at));
        assert_eq!(found, [0, 0, 0, 63, 64, 64, 64, 200, 200].map(Some));
        assert_eq!(Bits::new(300).last_to(299), None);
    }
}
