//! A small allocator for handlers: about a kilobyte, and it begins in what is left of the module's own memory, so that a
//! small handler needs no further page. Each of many instances has it, and every page counts.
//!
//! Blocks come in sizes of four steps to a doubling, so at most a fifth of one is wasted. A block that is freed waits for
//! the next of its size; blocks are neither split nor joined. The block that was given last can grow, which is what a
//! growing vector does as a rule.

use std::ptr;

/// The sizes: 16, 32, 48, 64, then 80, 96, 112, 128, 160, 192 and so on, to above 2 GiB.
const CLASSES: usize = 4 + 4 * 25;

/// A freed block.
struct Free {
    next: *mut Free,
}

/// Has the memory grow by at least so many bytes, and says where what is new begins and ends. The first time it gives what
/// is there already.
pub(crate) type More = fn(size: usize, first: bool) -> Option<(usize, usize)>;

/// The state of the allocator.
pub(crate) struct Heap {
    free: [*mut Free; CLASSES],
    /// Where the bytes begin that were never given away, and where they end.
    top: usize,
    end: usize,
}

impl Heap {
    pub(crate) const fn new() -> Self {
        Heap { free: [ptr::null_mut(); CLASSES], top: 0, end: 0 }
    }

    /// Gives a block, or null when there is no memory.
    pub(crate) unsafe fn alloc(&mut self, size: usize, align: usize, more: More) -> *mut u8 {
        let class = match class(size) {
            Some(class) => class,
            None => return ptr::null_mut(),
        };
        let block = self.free[class];
        if !block.is_null() && block as usize % align == 0 {
            self.free[class] = (*block).next;
            return block as *mut u8;
        }
        self.carve(class_size(class), align, more)
    }

    /// Takes a block of what was never given away.
    unsafe fn carve(&mut self, size: usize, align: usize, more: More) -> *mut u8 {
        let align = align.max(16);
        let mut start = (self.top + align - 1) & !(align - 1);
        if start > self.end || size > self.end - start || self.top == 0 {
            let (low, high) = match more(size + align, self.top == 0) {
                Some(new) => new,
                None => return ptr::null_mut(),
            };
            if low != self.end {
                start = (low + align - 1) & !(align - 1);
            }
            self.end = high;
        }
        self.top = start + size;
        start as *mut u8
    }

    pub(crate) unsafe fn free(&mut self, block: *mut u8, size: usize) {
        if let Some(class) = class(size) {
            let block = block as *mut Free;
            (*block).next = self.free[class];
            self.free[class] = block;
        }
    }

    /// Makes a block larger or smaller where it lies. It reports whether it could.
    pub(crate) unsafe fn resize(&mut self, block: *mut u8, size: usize, new_size: usize) -> bool {
        let (old, new) = match (class(size), class(new_size)) {
            (Some(old), Some(new)) => (class_size(old), class_size(new)),
            _ => return false,
        };
        let start = block as usize;
        if old != new && start + old == self.top && new <= self.end - start {
            self.top = start + new;
            return true;
        }
        old == new
    }
}

/// The class of blocks that hold so many bytes. Every block is aligned to 16, and some by chance to more.
fn class(size: usize) -> Option<usize> {
    if size <= 64 {
        return Some(size.saturating_sub(1) / 16);
    }
    // The two bits below the highest one choose the step.
    let power = usize::BITS - 1 - (size - 1).leading_zeros();
    let step = (size - 1) >> (power - 2) & 3;
    let class = 4 + 4 * (power as usize - 6) + step;
    (class < CLASSES && size <= isize::MAX as usize / 2).then_some(class)
}

/// How many bytes the blocks of a class have.
fn class_size(class: usize) -> usize {
    if class < 4 {
        return 16 * (class + 1);
    }
    let (power, step) = (6 + (class - 4) / 4, (class - 4) % 4);
    (5 + step) << (power - 2)
}

#[cfg(all(target_arch = "wasm32", target_os = "unknown", feature = "allocator"))]
mod global {
    use super::Heap;
    use core::arch::wasm32::{memory_grow, memory_size};
    use std::alloc::{GlobalAlloc, Layout};
    use std::cell::UnsafeCell;
    use std::ptr;

    struct Allocator(UnsafeCell<Heap>);

    // SAFETY: a module has one thread.
    unsafe impl Sync for Allocator {}

    #[global_allocator]
    static ALLOCATOR: Allocator = Allocator(UnsafeCell::new(Heap::new()));

    unsafe impl GlobalAlloc for Allocator {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            (*self.0.get()).alloc(layout.size(), layout.align(), more)
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            (*self.0.get()).free(block, layout.size());
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            let heap = &mut *self.0.get();
            if heap.resize(block, layout.size(), size) {
                return block;
            }
            let new = heap.alloc(size, layout.align(), more);
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                heap.free(block, layout.size());
            }
            new
        }
    }

    const PAGE: usize = 64 << 10;

    extern "C" {
        /// The linker's: where the module's own data ends.
        static __heap_base: u8;
    }

    /// Gives the rest of the memory that is there, the first time, and lets it grow then.
    fn more(size: usize, first: bool) -> Option<(usize, usize)> {
        // SAFETY: only the address is taken, which newer compilers know to be safe.
        #[allow(unused_unsafe)]
        let base = unsafe { ptr::addr_of!(__heap_base) as usize };
        let have = memory_size(0) * PAGE;
        if first && size <= have.saturating_sub(base) {
            return Some((base, have));
        }
        let pages = size.checked_add(PAGE - 1)? / PAGE;
        if memory_grow(0, pages) == usize::MAX {
            return None;
        }
        let low = if first { base } else { have };
        Some((low, have + pages * PAGE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every class holds what belongs to it and wastes little.
    #[test]
    fn classes() {
        for size in
            (1..5000).chain((12..31).flat_map(|power| [-1, 0, 1].map(|more| (1usize << power).wrapping_add(more as usize))))
        {
            let held = class_size(class(size).unwrap());
            assert!(held >= size && held % 16 == 0, "{size} bytes in a block of {held}");
            assert!(size <= 64 || (held - size) * 5 <= held, "{size} bytes in a block of {held}");
        }
        assert_eq!(class(usize::MAX), None);
    }

    const SIZE: usize = 1 << 20;

    /// Memory that grows by 4 KiB, with a hole in it now and then, up to a mebibyte.
    fn more(size: usize, first: bool) -> Option<(usize, usize)> {
        thread_local! {
            static MEMORY: std::cell::Cell<(usize, usize)> = const { std::cell::Cell::new((0, 0)) };
        }
        MEMORY.with(|memory| {
            if first {
                let base = Box::leak(vec![0u128; SIZE / 16].into_boxed_slice()).as_ptr() as usize;
                memory.set((base, base + SIZE));
            }
            let (mut start, end) = memory.get();
            if start % 3 == 0 {
                start += 4096;
            }
            let next = start + (size + 4095) / 4096 * 4096;
            memory.set((next, end));
            (next <= end).then_some((start, next))
        })
    }

    /// Blocks never overlap, keep what is in them, and are used again.
    #[test]
    fn blocks() {
        let mut heap = Heap::new();
        let mut blocks: Vec<(*mut u8, usize, u8)> = Vec::new();
        let mut random = 1u64;
        let mut below = |limit: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random as usize % limit
        };
        let mut grown = 0;
        for round in 0..20_000 {
            let most = [32, 300, 5000][below(3)];
            let size = 1 + below(most);
            if blocks.len() < 20 {
                let align = 1 << below(8);
                let block = unsafe { heap.alloc(size, align, more) };
                assert!(!block.is_null(), "no memory after {round} rounds: freed blocks are not used again");
                assert_eq!(block as usize % align.max(16), 0);
                unsafe { ptr::write_bytes(block, round as u8, size) };
                blocks.push((block, size, round as u8));
                continue;
            }
            let at = below(blocks.len());
            let (block, old, mark) = blocks[at];
            let content = unsafe { std::slice::from_raw_parts(block, old) };
            assert!(content.iter().all(|b| *b == mark), "a block was overwritten");
            if unsafe { heap.resize(block, old, size) } {
                grown += 1;
                unsafe { ptr::write_bytes(block, mark, size) };
                blocks[at].1 = size;
            } else {
                unsafe { heap.free(block, old) };
                blocks.swap_remove(at);
            }
        }
        assert!(grown > 100, "{grown} blocks were resized where they lay");
        assert!(unsafe { heap.alloc(2 * SIZE, 1, more) }.is_null());
        assert!(unsafe { heap.alloc(usize::MAX, 1, more) }.is_null());
    }
}
