/** The page: opens a port to the engine and mounts the app on it; then what the app needs to start offline. */
import { mount } from 'svelte'
import App from './app/App.svelte'
import { registerServiceWorker } from './sw/register.ts'
import { openClientPort } from './worker/page.ts'

const target = document.getElementById('app')
if (!target) throw new Error('index.html has no #app to mount in')
mount(App, { target, props: { port: openClientPort() } })
registerServiceWorker()
