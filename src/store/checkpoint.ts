/**
 * What is live at the beginning of a chunk of events, as columns of numbers (number-streams.ts), one after the other:
 *
 *     head                          how many sites, blocks, and rare things
 *     site, a column each           function, allocations, bytes of them, live blocks, live bytes; from site 0 on
 *     block, a column each          address: difference to the one before, see event-format.ts; size; site; difference of
 *                                   the tick of its birth to the one before
 *     rare                          what it is, and its numbers, one after the other
 *
 * Most blocks come by address, so that differences are small: 3 to 6 bytes a block.
 */
import type { LiveStateVisitor } from '../model/live-state.ts';
import { addressNumber, numberedAddress } from './event-format.ts';
import { NumberReader, NumberWriter, StreamReader, unzigzag, zigzag } from './number-streams.ts';

/** First byte. */
const VERSION = 1;
const HEAD_NUMBERS = 3;
const SITE_COLUMNS = 5;
const RARE_NUMBERS = 6;
const MAPPING = 0;
const RELEASED = 1;
const EXPECTED = 2;
/** More than a capture of any machine has. */
const MAX_COUNT = 2 ** 31;

export class CheckpointEncoder implements LiveStateVisitor {
  readonly #sites = Array.from({ length: SITE_COLUMNS }, () => new NumberWriter());
  readonly #addresses = new NumberWriter();
  readonly #sizes = new NumberWriter();
  readonly #sitesOfBlocks = new NumberWriter();
  readonly #births = new NumberWriter();
  readonly #rare = new NumberWriter();
  readonly #counts = [0, 0, 0];
  #lastAddress = 0;
  #lastBirth = 0;
  #isExact = true;

  site(_site: number, ...numbers: number[]): void {
    this.#counts[0]!++;
    for (let i = 0; i < SITE_COLUMNS; i++) this.#put(this.#sites[i]!, numbers[i]!);
  }

  block(address: number, bytes: number, site: number, birth: number): void {
    this.#counts[1]!++;
    this.#put(this.#addresses, addressNumber(address, this.#lastAddress));
    this.#sizes.put(bytes);
    this.#sitesOfBlocks.put(site);
    this.#births.put(zigzag(birth - this.#lastBirth));
    this.#lastAddress = address;
    this.#lastBirth = birth;
  }

  mapping(address: number, end: number, bytes: number, site: number, birth: number): void {
    this.#putRare(MAPPING, address, end, bytes, site, birth);
  }

  released(thread: number, address: number, bytes: number, site: number, birth: number): void {
    this.#putRare(RELEASED, address, thread, bytes, site, birth);
  }

  expected(process: number, start: number, end: number, expiresNs: number): void {
    this.#putRare(EXPECTED, start, end, process, Math.ceil(expiresNs), 0);
  }

  /** Null: it has numbers that no program has; it can't be written. */
  finish(): Uint8Array | null {
    if (!this.#isExact) return null;
    const head = new NumberWriter();
    for (const count of this.#counts) head.put(count);
    const blocks = [this.#addresses, this.#sizes, this.#sitesOfBlocks, this.#births];
    const columns = [head, ...this.#sites, ...blocks, this.#rare];
    return Buffer.concat([Uint8Array.of(VERSION), ...columns.flatMap((column) => column.finish())]);
  }

  #putRare(...numbers: number[]): void {
    this.#counts[2]!++;
    for (const number of numbers) this.#put(this.#rare, number);
  }

  #put(column: NumberWriter, number: number): void {
    if (number >= 0 && number <= Number.MAX_SAFE_INTEGER) column.put(number);
    else this.#isExact = false;
  }
}

/** @throws Error if the bytes are no checkpoint. */
export function decodeCheckpoint(data: Uint8Array, visitor: LiveStateVisitor): void {
  if (data[0] !== VERSION) throw new RangeError('a checkpoint is of no known version');
  const streams = new StreamReader(data, 1);
  const head = new NumberReader(streams, HEAD_NUMBERS);
  const [sites, blocks, rare] = [countOf(head), countOf(head), countOf(head)];
  const ofSites = Array.from({ length: SITE_COLUMNS }, () => new NumberReader(streams, sites));
  for (let site = 0; site < sites; site++) {
    const [allocator, ...numbers] = ofSites.map((column) => column.next()) as [number, number, number, number, number];
    visitor.site(site, allocator, ...numbers);
  }
  decodeBlocks(streams, blocks, visitor);
  const numbers = new NumberReader(streams, rare * RARE_NUMBERS);
  for (let n = 0; n < rare; n++) decodeRare(numbers, visitor);
}

function decodeBlocks(streams: StreamReader, count: number, visitor: LiveStateVisitor): void {
  const addresses = new NumberReader(streams, count);
  const sizes = new NumberReader(streams, count);
  const sites = new NumberReader(streams, count);
  const births = new NumberReader(streams, count);
  let [address, birth] = [0, 0];
  for (let n = 0; n < count; n++) {
    address = numberedAddress(addresses.next(), address);
    const [bytes, site] = [sizes.next(), sites.next()];
    birth += unzigzag(births.next());
    visitor.block(address, bytes, site, birth);
  }
}

function decodeRare(numbers: NumberReader, visitor: LiveStateVisitor): void {
  const [what, address, second, bytes, site, birth] = Array.from({ length: RARE_NUMBERS }, () => numbers.next()) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (what === MAPPING) visitor.mapping(address, second, bytes, site, birth);
  else if (what === RELEASED) visitor.released(second, address, bytes, site, birth);
  else if (what === EXPECTED) visitor.expected(bytes, address, second, site);
  else throw new RangeError('a checkpoint has something that is not known');
}

function countOf(head: NumberReader): number {
  const count = head.next();
  if (count > MAX_COUNT) throw new RangeError('a checkpoint has too much');
  return count;
}
