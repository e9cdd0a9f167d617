/** What the console says about itself. */
export const HP_TEXT = `hp: the objects of the process, read from outside.
  hp.heap()            all objects; after hp.setref() those that came since
  hp.setref()          what is there now is left out of later heaps; hp.setrelheap() is the same, hp.unsetref() ends it
  hp.heapu()           objects that only garbage in cycles refers to
  hp.iso(WHAT, …)      objects of the last heap: 0x7f12ab34cd50, 'module.attribute', 'Type[0]'
  hp.Type('str')       a kind, for & and -; hp.Clodo('dict of module')
  hp.load('FILE')      sums that .dump('FILE') or mp heap -o wrote
Of a set of objects:
  h[0], h[1:3]         the objects of rows
  h.more, h.all        further rows
  h.bytype .byclodo .bysize .byrcs .byvia .bymodule .byid    the same objects in other rows
  a & b, a | b, a - b, a ^ b, ~a    also of several heaps: an object is known by its address and type
  h.count, h.size      objects, bytes
  h.referrers, h.referents, h.owners
  h.rp, h.get_rp(6)    what refers to it, by kind, some levels deep
  h.shpaths, h.get_shpaths(50)      the shortest ways from modules to it
  h.dominos, h.domisize             what would go with it; bytes
  h.kind, h.theone     its kind; its only object
  h.stat, h.diff(b), h.dump('FILE') its sums without the objects; what they have beyond those of b
NAME = … keeps a result, del NAME drops it, _ is the last one. - returns to the Annex, . to the Monitor.
Names and values are as of the heap while mp has that part of the memory; beyond 256 MiB as of now.`;
