/** Pictures for tests: drawn by a browser, and then with the notes a camera would write into them. */
'use strict'
const zlib = require('zlib')

/** A picture of two halves, the upper left quarter red, as a file's bytes. */
exports.drawn = async (page, { w, h, type = 'image/jpeg', isNoisy = false }) => {
  const base64 = await page.evaluate(async ({ w, h, type, isNoisy }) => {
    const canvas = document.createElement('canvas')
    canvas.width = w
    canvas.height = h
    const pen = canvas.getContext('2d')
    const sky = pen.createLinearGradient(0, 0, w, h)
    sky.addColorStop(0, '#bfd8e8')
    sky.addColorStop(1, '#2f6b4f')
    pen.fillStyle = sky
    pen.fillRect(0, 0, w, h)
    for (let i = 0; isNoisy && i < 40000; i++) {
      pen.fillStyle = `hsl(${(i * 137) % 360} 60% 50%)`
      pen.fillRect((i * 7919) % w, (i * 104729) % h, w / 160, h / 160)
    }
    pen.fillStyle = '#f00'
    pen.fillRect(0, 0, w / 2, h / 2)
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.95))
    const bytes = new Uint8Array(await blob.arrayBuffer())
    let text = ''
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192))
    return btoa(text)
  }, { w, h, type, isNoisy })
  return Buffer.from(base64, 'base64')
}

/** The notes of a camera that was held some way (1 to 8), at a place, with a name. */
const notes = (orientation) => {
  const at = Buffer.alloc(200)
  at.write('MM\0*', 0, 'latin1')
  at.writeUInt32BE(8, 4)
  at.writeUInt16BE(3, 8)
  const entry = (i, tag, type, count, value) => {
    const from = 10 + i * 12
    at.writeUInt16BE(tag, from)
    at.writeUInt16BE(type, from + 2)
    at.writeUInt32BE(count, from + 4)
    if (type === 3) at.writeUInt16BE(value, from + 8)
    else at.writeUInt32BE(value, from + 8)
  }
  entry(0, 0x010f, 2, 14, 100)
  entry(1, 0x0112, 3, 1, orientation)
  entry(2, 0x8825, 4, 1, 120)
  at.write('SECRET CAMERA\0', 100, 'latin1')
  at.writeUInt16BE(1, 120)
  at.writeUInt16BE(1, 122)
  at.writeUInt16BE(2, 124)
  at.writeUInt32BE(2, 126)
  at.write('N\0', 130, 'latin1')
  at.write('GPS 52.5200N 13.4050E', 140, 'latin1')
  return at
}

/** A JPEG as a phone would have written it. */
exports.withNotes = (jpeg, orientation) => {
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), notes(orientation)])
  const head = Buffer.from([0xff, 0xe1, 0, 0])
  head.writeUInt16BE(body.length + 2, 2)
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)])
}

/** A GIF of two frames with a comment hidden in it. */
exports.movingGif = () => {
  const frame = (colour) => [0x21, 0xf9, 4, 0, 20, 0, 0, 0, 0x2c, 0, 0, 0, 0, 2, 0, 2, 0, 0, 2, 3, colour ? 0x8c : 0x84, colour ? 0x2d : 0x51, 0x05, 0]
  return Buffer.from([...Buffer.from('GIF89a'), 2, 0, 2, 0, 0x80, 0, 0, 255, 0, 0, 0, 0, 255, 0x21, 0xff, 11, ...Buffer.from('NETSCAPE2.0'), 3, 1, 0, 0, 0,
    0x21, 0xfe, 14, ...Buffer.from('SECRET COMMENT'), 0, ...frame(0), ...frame(1), 0x3b])
}

/** A PNG whose head says so many points, without a single one of them. */
exports.claimedPng = (w, h) => {
  const crcTable = Array.from({ length: 256 }, (_, n) => { let c = n; for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1; return c >>> 0 })
  const crc = (data) => { let c = 0xffffffff; for (const byte of data) c = crcTable[(c ^ byte) & 255] ^ (c >>> 8); return (c ^ 0xffffffff) >>> 0 }
  const chunk = (name, data) => {
    const out = Buffer.alloc(12 + data.length)
    out.writeUInt32BE(data.length, 0)
    out.write(name, 4, 'latin1')
    data.copy(out, 8)
    out.writeUInt32BE(crc(out.subarray(4, 8 + data.length)), 8 + data.length)
    return out
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(w, 0)
  head.writeUInt32BE(h, 4)
  head.set([1, 0, 0, 0, 0], 8)
  /* One bit a point, all of them white: 40 million take 5 kB. */
  const rows = Buffer.alloc(Math.min(h, 20000) * (1 + Math.ceil(w / 8)))
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(rows)), chunk('IEND', Buffer.alloc(0))])
}

/** A second of a tone, as a WAV file. */
exports.tone = () => {
  const n = 8000
  const out = Buffer.alloc(44 + n, 128)
  out.write('RIFF', 0, 'latin1')
  out.writeUInt32LE(36 + n, 4)
  out.write('WAVEfmt ', 8, 'latin1')
  out.writeUInt32LE(16, 16)
  out.writeUInt16LE(1, 20)
  out.writeUInt16LE(1, 22)
  out.writeUInt32LE(8000, 24)
  out.writeUInt32LE(8000, 28)
  out.writeUInt16LE(1, 32)
  out.writeUInt16LE(8, 34)
  out.write('data', 36, 'latin1')
  out.writeUInt32LE(n, 40)
  for (let i = 0; i < n; i++) out[44 + i] = 128 + Math.round(60 * Math.sin(i / 3))
  return out
}

/** Half a second of something that moves, as a browser records it. */
exports.film = async (page) => {
  const base64 = await page.evaluate(async () => {
    const canvas = document.createElement('canvas')
    canvas.width = 320
    canvas.height = 180
    const pen = canvas.getContext('2d')
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: 'video/webm;codecs=vp8' })
    const parts = []
    recorder.ondataavailable = (event) => parts.push(event.data)
    const done = new Promise((resolve) => { recorder.onstop = resolve })
    recorder.start()
    for (let i = 0; i < 15; i++) {
      pen.fillStyle = `hsl(${i * 24} 60% 50%)`
      pen.fillRect(0, 0, 320, 180)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    recorder.stop()
    await done
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer())
    let text = ''
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192))
    return btoa(text)
  })
  return Buffer.from(base64, 'base64')
}

/** What a browser makes of a blob of its node: its size, and the colour at a place of it, given as parts of the whole. */
exports.seen = (page, id, x, y) => page.evaluate(async ({ path, x, y }) => {
  const answer = await fetch(path)
  const bytes = new Uint8Array(await answer.clone().arrayBuffer())
  const bitmap = await createImageBitmap(await answer.blob())
  const canvas = document.createElement('canvas')
  canvas.width = bitmap.width
  canvas.height = bitmap.height
  const pen = canvas.getContext('2d')
  pen.drawImage(bitmap, 0, 0)
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return { w: bitmap.width, h: bitmap.height, type: answer.headers.get('content-type'), bytes: bytes.length, text, colour: [...pen.getImageData(Math.floor(x * (bitmap.width - 1)), Math.floor(y * (bitmap.height - 1)), 1, 1).data.slice(0, 3)] }
}, { path: '/blob/' + id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_'), x, y })

/** As a person would: chosen with the button, pasted, or let go over the page. */
exports.choose = async (page, files, button = 'Add pictures or files') => {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: button }).click()])
  await chooser.setFiles(files)
}
exports.give = (page, how, selector, { name, mimeType, buffer }) => page.evaluate(({ how, selector, name, mimeType, base64 }) => {
  const what = new DataTransfer()
  what.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type: mimeType }))
  const target = document.querySelector(selector)
  if (how === 'paste') {
    target.dispatchEvent(new ClipboardEvent('paste', { clipboardData: what, bubbles: true, cancelable: true }))
  } else {
    for (const kind of ['dragover', 'drop']) target.dispatchEvent(new DragEvent(kind, { dataTransfer: what, bubbles: true, cancelable: true }))
  }
}, { how, selector, name, mimeType, base64: buffer.toString('base64') })
