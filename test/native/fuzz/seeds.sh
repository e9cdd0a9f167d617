#!/bin/sh
# Usage: seeds.sh FUZZER DIRECTORY: fills the directory with first inputs, made of what this machine has.
set -eu
fuzzer=$1
out=$2
rm -rf "$out"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A program of a few kilobytes that has what a large one has: symbols, notes, .eh_frame, a debug link.
small_program() {
  cat > "$work/small.c" <<'END'
#include <stdio.h>
__attribute__((noinline)) int f(int n) { char buffer[64]; return snprintf(buffer, sizeof buffer, "%d", n); }
int main(int argc, char **argv) { (void)argv; return f(argc); }
END
  cc "$@" -Wl,--build-id "$work/small.c" -o "$work/small"
  echo debug > "$work/small.debug"
  objcopy --add-gnu-debuglink="$work/small.debug" "$work/small"
}

case $fuzzer in
  decode)
    # kind, then zeros: one input for each kind and length of an event
    for kind in 001 002 003 004 005 006 007 010 011 012 013 014 015 016 017; do
      for length in 32 40 48 64; do
        { printf "\\$kind"; head -c $((length - 1)) /dev/zero; } > "$out/$kind-$length"
      done
    done
    ;;
  event_decoder)
    # flags, then the streams of event_decoder_test.cc, each behind its length
    {
      printf '\001\003\002\002\004\000\000\002\011\210\001\001\001\023\003\024\002\002\000\000'
      printf '\002\032\000\000\000\002\003\000\000\000\001\001\000\000\001\206\001\000\001\000'
    } > "$out/streams"
    ;;
  elf)
    small_program -O2 -g
    cp "$work/small" "$out/small"
    small_program -O0 -g -gdwarf-4 -s -static-pie 2> /dev/null || small_program -O0
    head -c 65536 "$work/small" > "$out/other"
    head -c 4096 /bin/true > "$out/head"
    cp "$work/small.debug" "$out/text"
    ;;
  probe_sites)
    small_program -O2 -fno-plt
    cp "$work/small" "$out/small"
    printf '_start: .cfi_startproc\ncall f\nhlt\n.cfi_endproc\nf: mov $9, %%eax\nsyscall\njae 1f\n1: ret\n.globl _start\n' > "$work/mmap.s"
    cc -nostdlib -static -s "$work/mmap.s" -o "$work/mmap" && cp "$work/mmap" "$out/mmap"
    printf 'void *__rust_alloc(long n, long a) { return (char *)n + a; } int main() { return !__rust_alloc(1, 1); }' > "$work/rust.c"
    cc -O1 -fno-inline -fno-ipa-pure-const "$work/rust.c" -o "$work/rust" && cp "$work/rust" "$out/rust"
    printf 'void *malloc(unsigned long); void *_Znwm(unsigned long n) { return malloc(n); } int main() { return !_Znwm(1); }' > "$work/new.c"
    musl-gcc -O2 -static "$work/new.c" -o "$work/new" && cp "$work/new" "$out/musl"
    ;;
  eh_frame)
    small_program -O2
    objcopy -O binary --only-section=.eh_frame "$work/small" "$out/small"
    objcopy -O binary --only-section=.eh_frame /bin/true "$work/frames"
    head -c 4096 "$work/frames" > "$out/true"
    ;;
  insn)
    objcopy -O binary --only-section=.text /bin/true "$work/code"
    split -b 256 -a 4 "$work/code" "$out/code"
    printf '\270\013\000\000\000\017\005\110\075\001\360\377\377\163\001\303\203\310\377\303' > "$out/munmap"
    ;;
  smaps)
    head -c 16384 /proc/self/smaps > "$out/self"
    cat /proc/self/syscall > "$out/syscall" 2> /dev/null || echo '-1 0x7ffc1a2b3c48 0x7f1a0000' > "$out/syscall"
    ;;
  v8_pages)
    # two pages of a heap, 128 bytes of each, in each layout; see fuzz_v8_pages.cc
    words() { perl -e 'print pack("Q<16", map { hex } @ARGV)' "$@"; }
    for at in 100000 140000; do
      metadata=$([ $at = 100000 ] && echo 8 || echo 88)
      start=$(printf '%x' $((0x$at + 0x1148))) end=$(printf '%x' $((0x$at + 0x40000)))
      words 40000 12 719dbf0 "$start" "$end" >> "$out/11.3"
      words 4 "$at" 40000 719dbf0 "$start" "$end" >> "$out/12.4"
      words 8 "$metadata" 0 0 0 0 0 40000 "$end" 719dbf0 "$start" >> "$out/13.6"
    done
    ;;
  v8_code)
    # each layout and kind of code; its data and tables are objects, its instructions and metadata have 64 bytes
    for version in 0 1 2; do
      for kind in 012 013 014; do
        {
          printf "\\00$version\\001\\377\\377"
          head -c 8 /dev/zero
          printf '\001\010\000\000\000\000\000\000\001\020\000\000'
          head -c 28 /dev/zero
          printf "\\$kind\\000\\000\\000\\100\\000\\000\\000\\100\\000\\000\\000"
          head -c 68 /dev/zero
          printf '\002\000\000\000\010\000\000\000\001\001\000\000\000\000\000\000'
        } > "$out/$version-$kind"
      done
    done
    ;;
  python_threads)
    # each version, made by hand, all reads allowed: without a change, and one byte of each kind of change
    for minor in 0 1 2 3 4 5; do
      printf "\\00$minor\\001\\377\\377" > "$out/made-$minor"
      for kind in 0 1 2 3; do
        printf "\\00$minor\\001\\377\\377\\100\\001\\020\\00$kind\\001\\000\\000\\000" > "$out/changed-$minor-$kind"
      done
    done
    ;;
  heap)
    # each version, made by hand: without a change, and with a word of each kind of change
    for minor in 0 1 2 3 4 5; do
      printf "\\00$minor" > "$out/made-$minor"
      for kind in 0 1 2 3; do
        printf "\\00$minor\\100\\001\\000\\000\\00$kind\\000\\000\\000\\020\\000\\000\\000\\000\\000\\000\\000" \
          > "$out/changed-$minor-$kind"
      done
    done
    ;;
  core_file)
    perl -e '
      my $path = "/bin/true\0/lib/libc.so.6\0";
      my $files = pack("Q<8", 2, 4096, 0x555500000000, 0x555500001000, 0, 0x7f0000000000, 0x7f0000002000, 3) . $path;
      my $note = sub { my ($type, $text) = @_; my $all = pack("L<3a8", 5, length $text, $type, "CORE") . $text;
                       $all . "\0" x (-length($all) % 4) };
      my $notes = $note->(1, pack("x32l<x300", 4711)) . $note->(0x46494c45, $files);
      my @loads = ([0x555500000000, 4096, 64, 5], [0x7f0000000000, 8192, 0, 5], [0x7f0000002000, 4096, 128, 6]);
      my $offset = 64 + 56 * 4;
      my $headers = pack("L<2Q<6", 4, 0, $offset, 0, 0, length $notes, 0, 4);
      $offset += length $notes;
      for (@loads) { $headers .= pack("L<2Q<6", 1, $_->[3], $offset, $_->[0], 0, $_->[2], $_->[1], 4096); $offset += $_->[2] }
      print "\x7fELF\2\1\1", "\0" x 9, pack("S<2L<Q<3L<S<6", 4, 62, 1, 0, 64, 0, 0, 64, 56, 4, 0, 0, 0);
      print $headers, $notes, "x" x 192;
    ' > "$out/made"
    ;;
  v8_objects)
    # each version and mode, all reads allowed; a changed word of the made heap; source texts of this machine
    for version in 0 1 2 3; do
      for mode in 0 1 2; do
        printf "\\00$version\\00$mode\\377\\377" > "$out/$version-$mode"
        printf "\\00$version\\00$mode\\377\\377\\100\\001\\000\\003\\001\\000\\000\\000" > "$out/changed-$version-$mode"
      done
    done
    for text in *.mjs *.cjs; do
      { printf '\000\003\000\000'; cat "$text"; } > "$out/text-$text"
    done
    ;;
esac
