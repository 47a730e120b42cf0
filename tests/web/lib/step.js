/** A check without which the rest of its journey makes no sense. */
'use strict'
const { check } = require('../../interop/lib/check')

const END = new Error('a step failed, the rest was left out')
exports.END = END

exports.step = async (name, fn) => {
  if (!(await check(name, fn))) throw END
}
