#!/usr/bin/env node
/**
 * A disk that really fills up: a kith on a small tmpfs of its own mount namespace, with ballast
 * beside it, and a friend elsewhere who publishes. The friend's posts stop first, then the reserve
 * is used, then own posts are refused with a sentence; when the ballast goes, all goes on. The
 * ballast is in the node's own folder, so it is above its ceiling too.
 *
 * Skipped, with a sentence, where nobody may mount.
 */
'use strict'
const assert = require('assert')
const { spawnSync } = require('child_process')
const fs = require('fs')
const http = require('http')
const path = require('path')
const { check, counts, sleep, until } = require('../interop/lib/check')
const { Kith } = require('../interop/lib/kith')
const { World } = require('../interop/lib/world')

const MIB = 1024 * 1024
const SIZE = 300 * MIB
const MOUNTS = 'KITH_TORTURE_MOUNTS'

/** This script again, where it may mount and nobody sees it. */
function again() {
  const may = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', '/mnt'])
  if (may.status !== 0) {
    console.log(`full: skipped, as nobody may mount here: ${String(may.stderr || may.error).trim()}`)
    return 0
  }
  return spawnSync('unshare', ['-rm', process.execPath, __filename],
    { stdio: 'inherit', env: { ...process.env, [MOUNTS]: '1' } }).status
}

const free = (dir) =>
  Number(String(spawnSync('df', ['-B1', '--output=avail', dir]).stdout).trim().split('\n')[1])

/** Leave `bytes` free, by ballast. */
function leave(dir, bytes) {
  const file = path.join(dir, 'ballast')
  fs.truncateSync(file, 0)
  const made = spawnSync('fallocate', ['-l', String(free(dir) - bytes), file])
  assert.strictEqual(made.status, 0, String(made.stderr))
}

const post = (text) => ({ type: 'post', text })

/** Upload `bytes`, of which half are sent before `between` is called: `{status, said}`. */
const upload = (node, bytes, between) => new Promise((resolve, reject) => {
  const sent = http.request({ socketPath: path.join(node.dir, 'api.sock'), method: 'PUT', path: '/api/blob',
    headers: { Host: 'kith', 'Content-Length': bytes.length } }, (answer) => {
    const parts = []
    answer.on('data', (part) => parts.push(part))
    answer.on('end', () => {
      const json = JSON.parse(Buffer.concat(parts).toString())
      resolve({ status: answer.statusCode, said: json.error && json.error.said })
    })
  })
  sent.on('error', reject)
  sent.write(bytes.subarray(0, bytes.length / 2))
  setTimeout(() => {
    between()
    sent.end(bytes.subarray(bytes.length / 2))
  }, 500)
})

/** Files below the folder of blobs, unfinished ones too. */
const blobFiles = (dir) => fs.readdirSync(path.join(dir, 'blobs'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile()).length

async function main() {
  const world = new World()
  const dir = path.join(world.dir, 'small')
  fs.mkdirSync(dir)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=700`, 'none', dir])
  assert.strictEqual(mounted.status, 0, String(mounted.stderr))
  fs.writeFileSync(path.join(dir, 'ballast'), '')
  const mine = new Kith({ stack: 'kith', dir, networkKey: world.networkKey, hops: 2 })
  world.nodes.push(mine)
  try {
    await mine.start()
    const friend = await world.node('kith')
    await mine.follow(friend.id)
    await friend.publish(post('before'))
    await mine.connect(friend.address)
    const held = async () => (await mine.head(friend.id)).sequence
    await until('the first post of the friend is here', async () => (await held()) === 1)

    const empty = () => fs.truncateSync(path.join(dir, 'ballast'), 0)
    await check('an upload that meets the end of the disk is refused with a sentence, and nothing half is there', async () => {
      leave(dir, 60 * MIB)
      const { status, said } = await upload(mine, Buffer.alloc(4 * MIB, 'x'), () => leave(dir, 0))
      assert.strictEqual(status, 507)
      assert.match(said, /too little room left on the disk/i)
      assert.strictEqual(blobFiles(dir), 0)
    })
    await check('below 32 MiB no upload begins; with room it goes on', async () => {
      leave(dir, 20 * MIB)
      assert.strictEqual((await upload(mine, Buffer.alloc(1000, 'y'), () => {})).status, 507)
      leave(dir, 100 * MIB)
      assert.strictEqual((await upload(mine, Buffer.alloc(4 * MIB, 'x'), () => {})).status, 200)
      assert.strictEqual(blobFiles(dir), 1)
      empty()
    })
    await check('below 200 MiB the posts of others stay out, own ones go on', async () => {
      leave(dir, 100 * MIB)
      await friend.publish(post('too much'))
      await sleep(2500)
      assert.strictEqual(await held(), 1)
      await mine.publish(post('mine go on'))
    })
    await check('below 32 MiB the reserve is given up for an own post', async () => {
      assert(fs.existsSync(path.join(dir, 'reserve')), 'there is a reserve')
      leave(dir, 20 * MIB)
      await mine.publish(post('from the reserve'))
      assert(!fs.existsSync(path.join(dir, 'reserve')), 'it was used')
    })
    const refused = async () => {
      await assert.rejects(mine.publish(post('no room')), /disk of this node is full/i)
    }
    await check('without a reserve an own post is refused with a sentence, and nothing is signed', async () => {
      leave(dir, 20 * MIB)
      const before = await mine.head(mine.id)
      await refused()
      assert.deepStrictEqual(await mine.head(mine.id), before)
    })
    await check('with no byte left it still answers', async () => {
      leave(dir, 0)
      await refused()
      assert.strictEqual((await mine.json('status')).state, 'CLEAN')
    })
    await check('with room again own posts go out and those of others come in', async () => {
      const began = Date.now()
      empty()
      await until('an own post goes out', () => mine.publish(post('room')).then(() => true, () => false))
      const own = Date.now() - began
      await until('the post that stayed out is here', async () => (await held()) === 2, { ms: 60000 })
      return `${own} ms, and ${Date.now() - began} ms for the friend's`
    })
    const unable = /disk is full, so the node cannot start in .*Nothing is lost/i
    await check('killed on a full disk it starts and signs nothing, or says why it does not', async () => {
      leave(dir, 0)
      await mine.kill()
      const said = await mine.start().then(() => null, (err) => err.message)
      if (said !== null) {
        assert.match(said, unable)
        return 'does not'
      }
      await refused()
      assert.strictEqual((await mine.json('status')).state, 'CLEAN')
      await mine.kill()
      return 'starts'
    })
    await check('stopped, and the disk full before the next start: it says why, and starts with room', async () => {
      empty()
      await mine.start()
      await mine.stop()
      leave(dir, 0)
      await assert.rejects(mine.start(), unable)
      assert.strictEqual(mine.end.code, 1)
      empty()
      await mine.start()
      await mine.publish(post('here again'))
      assert.strictEqual((await mine.json('status')).state, 'CLEAN')
    })
    await check('kith check finds nothing', async () => {
      assert.strictEqual((await mine.json('check')).fault_count, 0)
    })
  } finally {
    await Promise.all(world.nodes.map((node) => node.stop()))
    spawnSync('umount', [dir])
    await world.close()
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`)
  return counts.failed || !counts.passed ? 1 : 0
}

if (!process.env[MOUNTS]) process.exitCode = again()
else main().then((code) => { process.exitCode = code }, (err) => { console.error(err); process.exitCode = 1 })
