/*
 * Rust with a #[global_allocator] of the program's own, a fixed pool: no block is malloc's, and those of a Vec grow by
 * realloc. Without optimization: with it, newer compilers put the allocator into the functions that call it.
 * Functions are looked for anywhere on the stack ("via").
 *
 * EXPECT via leaks __rust_alloc *leak_box* 1 300
 * EXPECT via leaks __rust_alloc_zeroed *leak_zeroed* 1 1000
 * EXPECT via leaks __rust_alloc *leak_aligned* 1 256
 * EXPECT via allocations __rust_alloc *grow_vector* 1 16
 * EXPECT via allocations __rust_realloc *grow_vector* 5 992
 * EXPECT via leaks __rust_alloc *grow_vector* 0 0
 * EXPECT via leaks __rust_realloc *grow_vector* 0 0
 * EXPECT via allocations __rust_alloc *churn* 1000 64000
 * EXPECT via leaks __rust_alloc *churn* 0 0
 * EXPECT run loss unmatched_free 0
 * EXPECT roots main *thread_start*
 */
use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, mem, path::Path, ptr, thread, time::Duration};

const POOL_BYTES: usize = 1 << 20;

struct Pool {
    bytes: UnsafeCell<[u8; POOL_BYTES]>,
    used: AtomicUsize,
}

unsafe impl Sync for Pool {}

unsafe impl GlobalAlloc for Pool {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let taken = layout.size() + layout.align();
        let at = self.used.fetch_add(taken, Ordering::Relaxed);
        if at + taken > POOL_BYTES {
            return ptr::null_mut();
        }
        let start = self.bytes.get() as usize + at;
        ((start + layout.align() - 1) & !(layout.align() - 1)) as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static POOL: Pool = Pool {
    bytes: UnsafeCell::new([0; POOL_BYTES]),
    used: AtomicUsize::new(0),
};

#[repr(align(64))]
struct Aligned(#[allow(dead_code)] [u8; 256]);

#[inline(never)]
fn leak_box() {
    mem::forget(black_box(Box::new([7u8; 300])));
}

#[inline(never)]
fn leak_zeroed() {
    mem::forget(black_box(vec![0u8; black_box(1000)]));
}

#[inline(never)]
fn leak_aligned() {
    mem::forget(black_box(Box::new(Aligned([1; 256]))));
}

#[inline(never)]
fn grow_vector() {
    let mut values: Vec<u32> = Vec::new();
    for value in 0..100 {
        values.push(black_box(value));
    }
    black_box(&values);
}

#[inline(never)]
fn churn() {
    for _ in 0..1000 {
        black_box(Box::new([1u8; 64]));
    }
}

fn main() {
    if let Ok(gate) = env::var("MP_GATE") {
        while !Path::new(&gate).exists() {
            thread::sleep(Duration::from_millis(1));
        }
    }
    leak_box();
    leak_zeroed();
    leak_aligned();
    grow_vector();
    churn();
    println!("ok");
}
