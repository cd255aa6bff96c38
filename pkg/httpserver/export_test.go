package httpserver

import "net"

// Accepting is l as a Server accepts connections from it.
func Accepting(l net.Listener) net.Listener {
	return listener{l, &conns{open: make(map[*conn]struct{})}}
}
