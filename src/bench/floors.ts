/** What the browser takes with no product around it: the least that anything built on it can take. Measured in the run whose figures stand beside it. */
import type { Page } from '@playwright/test'

export interface SendFloor {
  /** Milliseconds of each round. */
  readonly put: readonly number[]
  readonly send: readonly number[]
}

/** One strict IndexedDB put of 400 bytes; and the same after hashing, signing and encrypting one message's worth of bytes. In an empty page of the app's origin. */
export async function sendFloor(page: Page, rounds: number): Promise<SendFloor> {
  return page.evaluate(async (rounds) => {
    const opening = indexedDB.open('floor', 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore('rows')
    await new Promise((resolve) => { opening.onsuccess = resolve })
    let key = 0
    const put = (value: Uint8Array): Promise<void> => new Promise((resolve, reject) => {
      const transaction = opening.result.transaction('rows', 'readwrite', { durability: 'strict' })
      transaction.objectStore('rows').put(value, key++)
      transaction.oncomplete = () => { resolve() }
      transaction.onabort = () => { reject(new Error('the floor could not be measured: IndexedDB aborted')) }
    })
    const signer = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])
    const sealer = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt'])
    const message = crypto.getRandomValues(new Uint8Array(300)), row = crypto.getRandomValues(new Uint8Array(400))
    const send = async (): Promise<void> => {
      const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: crypto.getRandomValues(new Uint8Array(12)) }, sealer, message))
      const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', signer.privateKey, await crypto.subtle.digest('SHA-256', sealed)))
      row.set(sealed)
      row.set(signature, sealed.length)
      await put(row)
    }
    const times: { put: number[]; send: number[] } = { put: [], send: [] }
    const clock = async (into: number[], work: () => Promise<void>): Promise<void> => {
      // People don't write in tight loops either: a processor that idles between is slower to wake.
      await new Promise((resolve) => { setTimeout(resolve, 30) })
      const start = performance.now()
      await work()
      into.push(performance.now() - start)
    }
    for (let n = 0; n < rounds; n++) {
      await clock(times.put, () => put(row))
      await clock(times.send, send)
    }
    return times
  }, rounds)
}

/** Round trips of 300 bytes over a bare RTCDataChannel between two pages, in milliseconds. */
export async function channelFloor(here: Page, there: Page, rounds: number): Promise<number[]> {
  const offer = await here.evaluate(async () => {
    const connection = new RTCPeerConnection()
    const channel = connection.createDataChannel('floor')
    globalThis.floor = { connection, open: new Promise((resolve) => { channel.onopen = () => { resolve(channel) } }) }
    await connection.setLocalDescription()
    if (connection.iceGatheringState !== 'complete') await new Promise((resolve) => { connection.onicecandidate = (event) => { if (!event.candidate) resolve(undefined) } })
    return connection.localDescription?.sdp ?? ''
  })
  const answer = await there.evaluate(async (sdp) => {
    const connection = new RTCPeerConnection()
    globalThis.floor = { connection, open: undefined }
    connection.ondatachannel = ({ channel }) => { channel.onmessage = ({ data }) => { channel.send(data as ArrayBuffer) } }
    await connection.setRemoteDescription({ type: 'offer', sdp })
    await connection.setLocalDescription()
    if (connection.iceGatheringState !== 'complete') await new Promise((resolve) => { connection.onicecandidate = (event) => { if (!event.candidate) resolve(undefined) } })
    return connection.localDescription?.sdp ?? ''
  }, offer)
  return here.evaluate(async ({ sdp, rounds }) => {
    await globalThis.floor?.connection.setRemoteDescription({ type: 'answer', sdp })
    const channel = await globalThis.floor?.open
    if (!channel) throw new Error('the floor could not be measured: no data channel')
    const times: number[] = []
    for (let n = 0; n < rounds; n++) {
      const start = performance.now()
      const back = new Promise((resolve) => { channel.onmessage = resolve })
      channel.send(new Uint8Array(300))
      await back
      times.push(performance.now() - start)
    }
    return times
  }, { sdp: answer, rounds })
}

declare global {
  var floor: { readonly connection: RTCPeerConnection; readonly open: Promise<RTCDataChannel> | undefined } | undefined
}
