/**
 * Counting what holds: one line per check, a last line `N passed, N failed`. A check is a name that
 * states a promise and a function that throws when it is broken.
 */
'use strict'
const { AssertionError } = require('assert')
const { AsyncLocalStorage } = require('async_hooks')

const counts = { passed: 0, failed: 0 }
/* Scenarios run side by side; each has its own words before its checks. */
const prefix = new AsyncLocalStorage()

exports.counts = counts
exports.withPrefix = (text, fn) => prefix.run(text, fn)

const reason = (err) =>
  String(err instanceof AssertionError ? err.message.split('\n').slice(0, 12).join(' | ') : process.env.STACK ? err && err.stack : (err && err.message) || err)
    .slice(0, 2000)

/** Runs `fn`; a failure is printed and counted, and the scenario goes on. Tells whether it held. */
exports.check = async (name, fn) => {
  const began = Date.now()
  try {
    const note = await fn()
    counts.passed++
    console.log(`ok   ${prefix.getStore() || ''}${name}${note ? ` (${note})` : ''} [${Date.now() - began} ms]`)
    return true
  } catch (err) {
    counts.failed++
    console.log(`FAIL ${prefix.getStore() || ''}${name}: ${reason(err)}`)
    return false
  }
}

exports.sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Asks `fn` again and again until it gives something true, and gives that. After `ms` it throws,
 * naming `what` and the last thing `fn` said: deadlines are generous, for slow machines.
 */
exports.until = async (what, fn, { ms = 30000, every = 50 } = {}) => {
  const end = Date.now() + ms
  let last
  for (;;) {
    try {
      last = await fn()
      if (last) return last
    } catch (err) {
      if (/the node ended|is not running/.test(err.message)) throw err
      last = err
    }
    if (Date.now() > end) {
      throw new Error(`not within ${ms} ms: ${what} (last: ${String((last && last.message) || last)})`)
    }
    await exports.sleep(every)
  }
}

/** The promise, or an error after `ms`. */
exports.within = (ms, what, promise) => {
  let timer
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
