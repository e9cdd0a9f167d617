/*
 * Rust: the global allocator ends in libc's functions; the program's own functions are looked for anywhere on the stack
 * ("via"). A Vec<u32> grows 4, 8, 16 … elements: one malloc, then reallocs. vec![0; n] is a calloc.
 *
 * EXPECT via leaks malloc *leak_box* 1 300
 * EXPECT via leaks calloc *leak_zeroed* 1 1000
 * EXPECT via leaks posix_memalign|aligned_alloc|memalign *leak_aligned* 1 256
 * EXPECT via allocations malloc *grow_vector* 1 16
 * EXPECT via allocations realloc *grow_vector* 5 992
 * EXPECT via leaks malloc *leak_string* 1 11
 * EXPECT via leaks malloc *leak_in_closure* 4 400
 * EXPECT via leaks malloc *leak_in_thread* 2 128
 * EXPECT via leaks malloc *leak_deep* 1 77
 * EXPECT via leaks malloc *after_panic* 1 99
 * EXPECT roots main *thread_start*
 */
use std::hint::black_box;
use std::{env, mem, panic, path::Path, thread, time::Duration};

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
fn leak_string() {
    mem::forget(black_box(String::from("hello world")));
}

#[inline(never)]
fn leak_in_closure() {
    (0..4).for_each(|_| mem::forget(black_box(Box::new([3u8; 100]))));
    black_box(());
}

#[inline(never)]
fn leak_in_thread() {
    for _ in 0..2 {
        mem::forget(black_box(Box::new([4u8; 64])));
    }
}

#[inline(never)]
fn leak_deep(left: u32) {
    if black_box(left) == 0 {
        mem::forget(black_box(Box::new([5u8; 77])));
    } else {
        leak_deep(left - 1);
    }
    black_box(left);
}

#[inline(never)]
fn after_panic() {
    let caught = panic::catch_unwind(|| {
        if black_box(true) {
            panic!("expected");
        }
    });
    leak_behind_it();
    drop(black_box(caught));
}

#[inline(never)]
fn leak_behind_it() {
    mem::forget(black_box(Box::new([6u8; 99])));
}

fn main() {
    if let Ok(gate) = env::var("MP_GATE") {
        while !Path::new(&gate).exists() {
            thread::sleep(Duration::from_millis(1));
        }
    }
    panic::set_hook(Box::new(|_| {}));
    leak_box();
    leak_zeroed();
    leak_aligned();
    grow_vector();
    leak_string();
    leak_in_closure();
    thread::spawn(leak_in_thread).join().unwrap();
    leak_deep(200);
    after_panic();
    println!("ok");
}
