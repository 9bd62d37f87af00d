/** The page: opens a port to the engine and mounts the app on it. */
import { mount } from 'svelte'
import App from './app/App.svelte'
import { openClientPort } from './worker/page.ts'

const target = document.getElementById('app')
if (!target) throw new Error('index.html has no #app to mount in')
mount(App, { target, props: { port: openClientPort() } })
