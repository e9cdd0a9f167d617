/** A CommonJS module that a module has required. */
'use strict';
const { allocate } = require('./sites.cjs');

allocate(100_147);
exports.call = function call() {
  exports.second();
};
exports.second = () => allocate(100_149); // shown as exports.second
