/**
 * Counting what holds: one line per check, a last line `N passed, N failed`. A check is a name that
 * states a promise and a function that throws when it is broken.
 */
'use strict'
const { AssertionError } = require('assert')
const { AsyncLocalStorage } = require('async_hooks')

/** Of the whole run; `again` names what held at its second try only. */
const counts = { passed: 0, failed: 0, again: [] }
/* Scenarios run side by side; each has its own words before its checks, and its own counts. */
const played = new AsyncLocalStorage()
const here = () => played.getStore() || { prefix: '', sums: counts }

exports.counts = counts

/** Runs `fn` with other words before its checks. */
exports.withPrefix = (prefix, fn) => played.run({ prefix, sums: here().sums }, fn)

const once = async (prefix, fn) => {
  const sums = { passed: 0, failed: 0 }
  await played.run({ prefix, sums }, fn)
  return sums
}

/**
 * Plays a scenario with real peers. A machine that hesitates can break a promise that holds: what failed is
 * played once more from its beginning, and what held then is named in the last lines. `TRIES=1`: no second try;
 * neither has what may not break once (`isOnce`): a lost message, a lie that is believed, a script that runs.
 */
exports.play = async (prefix, fn, { isOnce = false } = {}) => {
  let sums = await once(prefix, fn)
  if (sums.failed && !isOnce && process.env.TRIES !== '1') {
    sums = await once(`${prefix}once more: `, fn)
    if (!sums.failed) counts.again.push(prefix.replace(/: $/, ''))
  }
  counts.passed += sums.passed
  counts.failed += sums.failed
}

/** What no second try makes good: a program that crashed. */
exports.crashed = (what) => {
  counts.failed++
  console.log(`FAIL ${here().prefix}${what}`)
}
exports.CRASHES = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGSYS', 'SIGTRAP']

/** The last line of a run, and how it went. */
exports.sumUp = () => {
  for (const what of counts.again) console.log(`note: held at the second try only: ${what}`)
  console.log(`${counts.passed} passed, ${counts.failed} failed${counts.again.length ? `, ${counts.again.length} played twice` : ''}`)
  return counts.failed || !counts.passed ? 1 : 0
}

const reason = (err) =>
  String(err instanceof AssertionError ? err.message.split('\n').slice(0, 12).join(' | ') : process.env.STACK ? err && err.stack : (err && err.message) || err)
    .slice(0, 2000)

/** Runs `fn`; a failure is printed and counted, and the scenario goes on. Tells whether it held. */
exports.check = async (name, fn) => {
  const began = Date.now()
  const { prefix, sums } = here()
  try {
    const note = await fn()
    sums.passed++
    console.log(`ok   ${prefix}${name}${note ? ` (${note})` : ''} [${Date.now() - began} ms]`)
    return true
  } catch (err) {
    sums.failed++
    console.log(`FAIL ${prefix}${name}: ${reason(err)}`)
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
