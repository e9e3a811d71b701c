//! Gives the map's pages back, so that going through a large store does not grow the process.
//!
//! LMDB reads through a memory map, and each page touched counts as resident until the system
//! is short of memory; Linux even maps the neighbours of a touched page with it. Nobody waits
//! for that in a container with a memory limit. So pages are unmapped after every batch; they
//! stay in the page cache, and reading them again is a soft fault.
//!
//! heed does not tell where the map lies. The kernel does: it is the mapping that holds a slice
//! which LMDB handed out.
//!
//! Only Linux is asked to let go. Elsewhere the pages are clean file pages that the system
//! takes back by itself.

use std::ops::Range;
use std::sync::{PoisonError, RwLock};

/// Where the map lies, as addresses, once it is known.
#[derive(Default)]
pub(crate) struct Resident {
    map: RwLock<Option<Range<usize>>>,
}

impl Resident {
    /// Finds the map of `map_bytes` that the slice lies in. If it is not found, or is not what
    /// was expected, nothing will be given back.
    pub(crate) fn locate(&self, mapped: &[u8], map_bytes: usize) {
        let map = mapping_of(mapped.as_ptr().addr()).filter(|map| map.len() == map_bytes);
        *self.map.write().unwrap_or_else(PoisonError::into_inner) = map;
    }

    /// Forgets the map, because it moves.
    pub(crate) fn forget(&self) {
        *self.map.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Unmaps the map's pages until they are read again. What slices of the map say does not
    /// change.
    ///
    /// # Safety
    ///
    /// The map that [`locate`](Self::locate) found must still be there, and stay until this
    /// returns.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn release(&self) {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(map) = map.as_ref() {
            use rustix::mm::{Advice, madvise};

            let start = std::ptr::with_exposed_provenance_mut(map.start);
            // SAFETY: the range is one mapping, still there by the caller's word. It is shared,
            // backed by a file and never written through (no WRITE_MAP), so a page dropped is
            // read again as it was: no byte that Rust sees changes.
            let released = unsafe { madvise(start, map.len(), Advice::LinuxDontNeed) };
            // Refused advice costs memory, not correctness.
            let _ = released;
        }
        drop(map);
    }
}

/// The mapping of this process that holds an address.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn mapping_of(address: usize) -> Option<Range<usize>> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let (start, rest) = line.split_once('-')?;
        let (end, _) = rest.split_once(' ')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        (start..end).contains(&address).then_some(start..end)
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn mapping_of(_address: usize) -> Option<Range<usize>> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_its_mapping_and_an_unmapped_one_in_none() {
        let byte = Box::new(7_u8);
        let address = (&raw const *byte).addr();
        let map = mapping_of(address).unwrap();
        assert!(map.contains(&address));
        assert!(map.start.is_multiple_of(4096) && map.end.is_multiple_of(4096));
        assert_eq!(mapping_of(0), None);
    }

    #[test]
    fn a_mapping_of_another_length_is_not_taken_for_the_map() {
        let resident = Resident::default();
        resident.locate(&[1], 1);
        assert!(resident.map.read().unwrap().is_none());
    }
}
