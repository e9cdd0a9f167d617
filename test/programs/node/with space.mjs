/** A module whose URL is not its path. */
import sites from './sites.cjs';

(function ofOtherModule() {
  sites.allocate(100_145);
})();
