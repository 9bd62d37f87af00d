/** How many connections one device keeps: as the network adapter does it, and as the simulator plays it. */

/** Peers that we connect to on our own account; others may connect to us up to MAX_CONNECTIONS. Chromium frees a tab's peer connections late and caps them at about 500. */
export const MAX_PEERS = 12
export const MAX_CONNECTIONS = 64
