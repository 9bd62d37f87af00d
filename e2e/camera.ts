/** A camera that looks at a QR code, as a film of one picture: what Chromium takes in place of a real one. */
import { encode } from 'uqr'

const WIDTH = 640
const HEIGHT = 480
/** Video black and white (ITU-R BT.601), and no colour. */
const [DARK, LIGHT, GREY] = [16, 235, 128]

/** YUV4MPEG2, 4:2:0, one frame over and over. */
export function filmOf(text: string): Buffer {
  const code = encode(text, { ecc: 'L', border: 4 }), scale = Math.floor(HEIGHT / code.size)
  const left = Math.floor((WIDTH - code.size * scale) / 2), top = Math.floor((HEIGHT - code.size * scale) / 2)
  const luma = Buffer.alloc(WIDTH * HEIGHT, LIGHT), chroma = Buffer.alloc((WIDTH * HEIGHT) / 2, GREY)
  code.data.forEach((row, y) => row.forEach((isDark, x) => {
    for (let line = 0; isDark && line < scale; line++) luma.fill(DARK, (top + y * scale + line) * WIDTH + left + x * scale, (top + y * scale + line) * WIDTH + left + (x + 1) * scale)
  }))
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`), Buffer.from('FRAME\n'), luma, chroma])
}
