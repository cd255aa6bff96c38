package kafka

import (
	"errors"

	"github.com/IBM/sarama"
)

// memberClient is a client for one member of a group. It asks the group's
// coordinator over connections of its own: a broker answers the requests of a
// connection in turn, so behind a long poll a commit would take as long as the
// poll (90 ms on average, measured), and heartbeats with it.
type memberClient struct {
	sarama.Client
	coordination sarama.Client
}

func (c memberClient) Coordinator(group string) (*sarama.Broker, error) {
	return c.coordination.Coordinator(group)
}

func (c memberClient) RefreshCoordinator(group string) error {
	return c.coordination.RefreshCoordinator(group)
}

func (c memberClient) Close() error {
	return errors.Join(c.Client.Close(), c.coordination.Close())
}
