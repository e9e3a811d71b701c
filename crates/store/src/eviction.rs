//! Which entries go when room is needed: those used longest ago.
//!
//! Time is counted in generations. Each process that writes takes one, the first time it does;
//! an entry's generation is that of the last process that used it, and `order` lists entries
//! by it. So a use costs a write once per run at most, and entries of the same run go in the
//! order of their keys, which are hashes: at random.
//!
//! Every function works in the caller's transaction, so a crash leaves all of it or nothing.

use heed::RwTxn;

use crate::environment::{Tables, Writer};
use crate::key::KEY_BYTES;

const GENERATION_KEY: &[u8] = b"generation";
const ORDER_KEY_BYTES: usize = 8 + KEY_BYTES;

/// Takes a generation that is later than every other.
pub(crate) fn next_generation(tables: &Tables, txn: &mut RwTxn<'_>) -> heed::Result<u64> {
    let last = tables.meta.get(txn, GENERATION_KEY)?;
    let next = last.and_then(to_generation).unwrap_or(0) + 1;
    tables.meta.put(txn, GENERATION_KEY, &next.to_be_bytes())?;
    Ok(next)
}

/// Reads a generation as stored in `used`.
pub(crate) fn to_generation(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// Records that the entry under `key` was used in `generation`; one used later stays so.
pub(crate) fn mark_used(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    key: &[u8; KEY_BYTES],
    generation: u64,
) -> heed::Result<()> {
    if let Some(last) = tables.used.get(txn, key)?.and_then(to_generation) {
        if last >= generation {
            return Ok(());
        }
        tables.order.delete(txn, &order_key(last, key))?;
    }
    tables.used.put(txn, key, &generation.to_be_bytes())?;
    tables.order.put(txn, &order_key(generation, key), &[])
}

/// Removes the entry under `key` from all tables.
pub(crate) fn remove(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    key: &[u8; KEY_BYTES],
) -> heed::Result<()> {
    if let Some(last) = tables.used.get(txn, key)?.and_then(to_generation) {
        tables.order.delete(txn, &order_key(last, key))?;
    }
    tables.used.delete(txn, key)?;
    tables.features.delete(txn, key)?;
    Ok(())
}

/// Removes entries, those used longest ago first, until the tables take at most `live_bytes`
/// or `most` are gone. Returns how many are.
pub(crate) fn evict(
    tables: &Tables,
    writer: &mut Writer<'_>,
    live_bytes: u64,
    most: usize,
) -> heed::Result<usize> {
    let mut evicted = 0;
    while evicted < most && tables.live_bytes(&writer.txn)? > live_bytes {
        let txn = &mut writer.txn;
        let Some((oldest, _)) = tables.order.first(txn)? else {
            break;
        };
        let oldest = oldest.to_vec();
        tables.order.delete(txn, &oldest)?;
        if let Some(key) = oldest.get(8..ORDER_KEY_BYTES) {
            tables.used.delete(txn, key)?;
            tables.features.delete(txn, key)?;
        }
        writer.count_entry();
        evicted += 1;
    }
    Ok(evicted)
}

fn order_key(generation: u64, key: &[u8; KEY_BYTES]) -> [u8; ORDER_KEY_BYTES] {
    let mut order = [0; ORDER_KEY_BYTES];
    order[..8].copy_from_slice(&generation.to_be_bytes());
    order[8..].copy_from_slice(key);
    order
}
