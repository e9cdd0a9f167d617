/** Every live block of some processes at this moment, in columns. */
import type { BlockColumns } from '../model/blocks.ts';
import type { ProcessAccount } from './process-account.ts';

export function liveColumns(accounts: readonly ProcessAccount[]): BlockColumns {
  const total = accounts.reduce((sum, { blocks, mappings }) => sum + blocks.count + mappings.count, 0);
  const processes = new Uint32Array(total);
  const addresses = new Float64Array(total);
  const sizes = new Float64Array(total);
  const sites = new Uint32Array(total);
  let count = 0;
  for (const { index, blocks, mappings } of accounts) {
    const add = (address: number, bytes: number, site: number) => {
      processes[count] = index;
      addresses[count] = address;
      sizes[count] = bytes;
      sites[count++] = site;
    };
    blocks.visit(add);
    mappings.visit(add);
  }
  return { count, processes, addresses, bytes: sizes, sites };
}
