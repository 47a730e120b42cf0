/** Feeds that are there before a journey begins: written by the driver, imported into the directory of a node that is not running. */
'use strict'
const fs = require('fs')
const path = require('path')

/** As paths carry an id. */
exports.pathOf = (id) => id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')

/** What these authors said since the last call, for a node that stands still. */
exports.importInto = (world, node, authors) => {
  const file = path.join(world.dir, 'history.jsonl')
  fs.writeFileSync(file, authors.flatMap((author) => author.values.slice(author.written || 0)).map((value) => JSON.stringify(value) + '\n').join(''))
  for (const author of authors) author.written = author.values.length
  node.command('import', [file])
}

/** A name, and then posts up to message `count`. */
exports.fill = (author, name, count, textOf) => {
  if (author.values.length === 0) author.publish({ type: 'about', about: author.id, name, description: 'Has been here for **years**.' })
  while (author.values.length < count) author.publish({ type: 'post', text: textOf(author.values.length + 1) })
}

/**
 * How long the page took to answer what was done to it, by Event Timing: from the key or tap to the next picture. `begin` before, `end` gives ms.
 */
exports.latency = {
  begin: (page) => page.evaluate(() => {
    globalThis.answers = []
    new PerformanceObserver((list) => { for (const one of list.getEntries()) globalThis.answers.push(one.duration) }).observe({ type: 'event', durationThreshold: 16 })
  }),
  end: (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(Math.max(16, ...globalThis.answers)), 200)))),
}
