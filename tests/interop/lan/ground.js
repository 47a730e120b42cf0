/**
 * A local network made of namespaces: a hub with a bridge, and one namespace per machine, each with
 * an address of its own and nothing else. Needs root and iproute2; `open` says why it cannot.
 */
'use strict'
const { execFileSync, spawn } = require('child_process')

const NET = '10.91.7'
const run = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString()

exports.Ground = class Ground {
  constructor() {
    this.tag = 'kl' + process.pid
    this.made = []
  }

  /** Null, or the reason why there is no network here. */
  open() {
    try {
      if (process.getuid() !== 0) return 'only root may make network namespaces'
      this.hub = this.space('hub')
      run('-n', this.hub, 'link', 'add', 'name', 'bridge', 'type', 'bridge')
      this.up(this.hub, 'bridge', 1)
      return null
    } catch (err) {
      this.close()
      return err.code === 'ENOENT' ? 'there is no ip command (Debian: iproute2)'
        : `network namespaces are not permitted: ${String(err.stderr || err.message).trim()}`
    }
  }

  space(name) {
    const space = `${this.tag}-${name}`
    run('netns', 'add', space)
    this.made.push(space)
    run('-n', space, 'link', 'set', 'lo', 'up')
    return space
  }

  up(space, link, number) {
    run('-n', space, 'address', 'add', `${NET}.${number}/24`, 'broadcast', `${NET}.255`, 'dev', link)
    run('-n', space, 'link', 'set', link, 'up')
  }

  /** A machine in the network: what `spawn` starts there sees only it. */
  machine(name, number) {
    const space = this.space(name)
    run('-n', this.hub, 'link', 'add', 'name', `to-${name}`, 'type', 'veth', 'peer', 'name', 'lan', 'netns', space)
    run('-n', this.hub, 'link', 'set', `to-${name}`, 'master', 'bridge', 'up')
    this.up(space, 'lan', number)
    /* 255.255.255.255, where ssb-local sends, is reached by the default route. */
    run('-n', space, 'route', 'add', 'default', 'via', `${NET}.1`)
    return { host: `${NET}.${number}`, spawn: (program, args, options) => this.spawn(space, program, args, options) }
  }

  /** `ip netns exec` becomes the program, so the child's id is the program's. */
  spawn(space, program, args, options) {
    return spawn('ip', ['netns', 'exec', space, program, ...args], options)
  }

  close() {
    for (const space of this.made.reverse()) {
      try { run('netns', 'delete', space) } catch { /* it may not be there any more */ }
    }
    this.made = []
  }
}
