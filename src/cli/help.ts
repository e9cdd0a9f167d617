/** How `--help` shows options. */
import { Help, type Option } from 'commander';

/** That a list is empty by default need not be said. */
export function optionDescription(this: Help, option: Option): string {
  const isEmptyList = Array.isArray(option.defaultValue) && option.defaultValue.length === 0;
  const shown = isEmptyList ? Object.assign(Object.create(option), { defaultValue: undefined }) : option;
  return Help.prototype.optionDescription.call(this, shown);
}
