package pubsub

import (
	"sync"
)

// Handler is what a subscription does. Both functions run on the
// subscription's goroutine, one at a time, and may block it.
type Handler struct {
	// Message handles one message of the topic.
	Message func(Message)
	// Resync says that messages may have been missed; those that were waiting
	// are gone too. It also comes after the first connection. May be nil.
	Resync func()
}

// Subscription delivers one topic to one handler until Close.
type Subscription struct {
	bus     *Bus
	topic   string
	handler Handler
	wake    chan struct{}
	stop    chan struct{}
	done    chan struct{}
	once    sync.Once

	mu      sync.Mutex
	pending []Message
	resync  bool
}

// Subscribe delivers the messages of topic to h from now on. It starts a
// goroutine that Close ends.
func (b *Bus) Subscribe(topic string, h Handler) *Subscription {
	s := &Subscription{
		bus: b, topic: topic, handler: h,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	b.mu.Lock()
	b.subs[s] = struct{}{}
	b.mu.Unlock()
	go s.run()
	return s
}

// Close ends the subscription and waits for the handler in progress; a
// handler must not call it. Closing twice does nothing more.
func (s *Subscription) Close() {
	s.bus.mu.Lock()
	delete(s.bus.subs, s)
	s.bus.mu.Unlock()
	s.once.Do(func() { close(s.stop) })
	<-s.done
}

func (s *Subscription) run() {
	defer close(s.done)
	for {
		select {
		case <-s.stop:
			return
		case <-s.wake:
		}
		s.drain()
	}
}

// drain handles what is waiting, a resync first: it covers everything older.
func (s *Subscription) drain() {
	messages, resync := s.take()
	if resync && s.handler.Resync != nil {
		s.handler.Resync()
	}
	for _, m := range messages {
		select {
		case <-s.stop:
			return
		default:
			s.handler.Message(m)
		}
	}
}

func (s *Subscription) take() ([]Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages, resync := s.pending, s.resync
	s.pending, s.resync = nil, false
	return messages, resync
}

// push hands over messages without ever blocking the reader.
func (s *Subscription) push(messages ...Message) {
	s.mu.Lock()
	s.pending = append(s.pending, messages...)
	if len(s.pending) > s.bus.cfg.QueueMax {
		s.pending, s.resync = nil, true
		s.bus.metrics.overflows.Inc()
	}
	s.mu.Unlock()
	s.signal()
}

func (s *Subscription) pushResync() {
	s.mu.Lock()
	s.pending, s.resync = nil, true
	s.mu.Unlock()
	s.signal()
}

func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// deliver hands each message to the subscriptions of its topic.
func (b *Bus) deliver(messages []Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range messages {
		if m.Schema != Schema {
			b.metrics.refused.Inc()
			continue
		}
		b.metrics.received.Inc()
		for s := range b.subs {
			if s.topic == m.Topic {
				s.push(m)
			}
		}
	}
}

func (b *Bus) resyncAll() {
	b.metrics.resyncs.Inc()
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.subs {
		s.pushResync()
	}
}
