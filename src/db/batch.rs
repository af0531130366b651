//! Questions about several rows by their ids: SQLite takes no arrays, and one text serves both databases.

use super::Value;

/// So many ids stand in one statement.
pub(crate) const BATCH: usize = 16;

/// Their places in its text: the first parameters.
macro_rules! batch {
    () => {
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
    };
}
pub(crate) use batch;

/// The ids of each statement. What is left of the last one is filled with an id that it asks for anyway.
pub(crate) fn batches<T: Copy + Into<Value>>(ids: &[T]) -> impl Iterator<Item = Vec<Value>> {
    ids.chunks(BATCH).map(|ids| {
        let filling = std::iter::repeat_n(ids[0], BATCH - ids.len());
        ids.iter().copied().chain(filling).map(Into::into).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::params;

    #[test]
    fn every_statement_has_as_many_values_as_places() {
        assert_eq!(batch!().matches('$').count(), BATCH);
        assert_eq!(batches::<i64>(&[]).count(), 0);
        let asked: Vec<Vec<Value>> = batches(&(0..20_i64).collect::<Vec<_>>()).collect();
        assert_eq!(asked.iter().map(Vec::len).collect::<Vec<_>>(), [BATCH, BATCH]);
        assert_eq!(asked[0], (0..16_i64).map(Value::from).collect::<Vec<_>>());
        assert_eq!(asked[1][..5], params![16_i64, 17_i64, 18_i64, 19_i64, 16_i64]);
    }
}
