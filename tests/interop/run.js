#!/usr/bin/env node
/**
 * Runs scenarios against JavaScript peers: one line per check, `N passed, N failed` at the end.
 *
 *   node run.js [--subject kith|classic|modern] [--stack classic|modern] [--only NAME[,NAME]] [--list]
 *
 * The subject is the node under test; a JavaScript subject tests the harness itself. DOSE=ci (the
 * default) is a small dose, DOSE=full the whole. KEEP=1 keeps the data directories, STACK=1 prints where
 * a check failed, JOBS=1 plays one scenario at a time instead of two.
 */
'use strict'
const fs = require('fs')
const path = require('path')
const { parseArgs } = require('util')
const { check, play, sumUp } = require('./lib/check')
const { World } = require('./lib/world')

const doses = {
  ci: { messages: 250, live: 5, stream: 1500, crowd: 200, kills: 10, publishes: 2000, newest: 1500, sources: 3 },
  full: { messages: 2000, live: 20, stream: 6000, crowd: 200, kills: 100, publishes: 10000, newest: 10000, sources: 8 },
}

const { values: args } = parseArgs({
  options: {
    subject: { type: 'string', default: 'kith' },
    stack: { type: 'string' },
    only: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
})

const order = ['stays', 'exchange', 'newest', 'missing', 'blobs', 'between', 'private', 'sealed', 'calls', 'relay', 'let_go', 'history', 'liars', 'changes', 'sources', 'restart', 'restore', 'refusals', 'graph', 'network', 'crash', 'strangers', 'api', 'crowd']

const scenarios = order
  .filter((name) => !args.only || args.only.split(',').includes(name))
  .filter((name) => fs.existsSync(path.join(__dirname, 'scenarios', name + '.js')))
  .map((name) => ({ name, ...require('./scenarios/' + name) }))

/** One scenario in a world of its own; what is thrown outside a check is a failure too. */
async function act(scenario, peer, dial, dose) {
  const world = new World()
  try {
    await scenario.run({ world, subject: args.subject, peer, dial, dose })
  } catch (err) {
    await check('the scenario runs to its end', () => { throw err })
  } finally {
    await world.close()
  }
}

async function main() {
  if (args.list) {
    for (const { name, about } of scenarios) console.log(`${name.padEnd(10)} ${about}`)
    return
  }
  const dose = doses[process.env.DOSE || 'ci']
  if (!dose) throw new Error('DOSE is ci or full')
  const plays = []
  for (const scenario of scenarios) {
    for (const peer of args.stack ? [args.stack] : ['classic', 'modern']) {
      if (scenario.peers && !scenario.peers.includes(peer)) continue
      for (const dial of scenario.bothWays ? ['out', 'in'] : [null]) plays.push({ scenario, peer, dial })
    }
  }
  const title = ({ scenario, peer, dial }) =>
    `${scenario.name}, ${args.subject} with ${peer}${dial ? (dial === 'out' ? ', dialling' : ', dialled') : ''}: `
  const worker = async () => {
    for (let next = plays.shift(); next; next = plays.shift()) {
      await play(title(next), () => act(next.scenario, next.peer, next.dial, dose), { isOnce: ['crash', 'liars'].includes(next.scenario.name) })
    }
  }
  await Promise.all(Array.from({ length: Number(process.env.JOBS) || 2 }, worker))
  process.exitCode = sumUp()
}

main().catch((err) => {
  console.error(err)
  process.exitCode = 1
})
