package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"souk.example/contracts"
)

// repeated marks records that repeatEvents has sent.
const repeated = "e2e-repeated"

// repeatEvents sends every record that is published meanwhile up to four times
// more, late and in another order, to the partition it came from.
func (c *chaos) repeatEvents() {
	cfg := sarama.NewConfig()
	cfg.Producer.Return.Successes = true
	cfg.Producer.Partitioner = sarama.NewManualPartitioner
	client, err := sarama.NewClient([]string{fmt.Sprintf("127.0.0.1:%d", c.souk.base+engineOffsets["kafka"])}, cfg)
	if err != nil {
		c.t.Error(err)
		return
	}
	defer client.Close()
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		c.t.Error(err)
		return
	}
	stop, seen := make(chan struct{}), make(chan *sarama.ConsumerMessage)
	var readers sync.WaitGroup
	c.read(client, stop, seen, &readers)
	done := make(chan int)
	go func() { done <- c.resend(producer, seen) }()
	c.last(20 * time.Second)
	close(stop)
	readers.Wait()
	close(seen)
	if n := <-done; n < loadHeld {
		c.t.Errorf("void: %d records were sent again", n)
	}
}

// read delivers what is published from now on, but for what was repeated.
func (c *chaos) read(client sarama.Client, stop <-chan struct{}, seen chan<- *sarama.ConsumerMessage, readers *sync.WaitGroup) {
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		c.t.Error(err)
		return
	}
	for _, topic := range contracts.Topics() {
		for p := range int32(contracts.Partitions) {
			part, err := consumer.ConsumePartition(topic, p, sarama.OffsetNewest)
			if err != nil {
				c.t.Error(err)
				return
			}
			readers.Go(func() {
				defer part.Close()
				for {
					select {
					case m := <-part.Messages():
						if m != nil && !slices.ContainsFunc(m.Headers, func(h *sarama.RecordHeader) bool { return string(h.Key) == repeated }) {
							seen <- m
						}
					case <-stop:
						return
					}
				}
			})
		}
	}
}

// resend keeps up to fifty records back, and sends a random one of them for each
// that comes, so that they are late and out of order. It counts what it sent.
func (c *chaos) resend(producer sarama.SyncProducer, seen <-chan *sarama.ConsumerMessage) (sent int) {
	var kept []*sarama.ConsumerMessage
	send := func() {
		n := rand.IntN(len(kept))
		m := kept[n]
		kept = slices.Delete(kept, n, n+1)
		again := &sarama.ProducerMessage{Topic: m.Topic, Partition: m.Partition, Value: sarama.ByteEncoder(m.Value)}
		for _, h := range m.Headers {
			again.Headers = append(again.Headers, *h)
		}
		again.Headers = append(again.Headers, sarama.RecordHeader{Key: []byte(repeated), Value: []byte("1")})
		if _, _, err := producer.SendMessage(again); err != nil {
			c.t.Error(err)
		}
		sent++
	}
	for m := range seen {
		for range rand.IntN(5) {
			kept = append(kept, m)
		}
		for len(kept) > 50 {
			send()
		}
	}
	for len(kept) > 0 {
		send()
	}
	return sent
}
