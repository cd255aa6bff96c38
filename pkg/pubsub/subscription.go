package pubsub

import "sync"

// Handler is what a subscription does. Both functions run on the
// subscription's goroutine, one at a time, and may block it; they must not
// close their own subscription. A panic in one is logged and counted, the
// message or the resync is then handled, and the next one comes.
type Handler struct {
	// Message handles one message of the topic. May be nil.
	Message func(Message)
	// Resync says that messages may have been missed; those that were waiting
	// are gone too, and versions are counted anew. It also comes after the
	// first connection. May be nil.
	Resync func()
}

// Subscription delivers one topic to one handler until Close.
type Subscription struct {
	bus     *Bus
	topic   string
	handler Handler
	handled versions
	wake    chan struct{}
	stop    chan struct{}
	done    chan struct{}
	once    sync.Once

	mu      sync.Mutex
	pending []Message
	resync  bool
}

// Subscribe delivers the messages of topic to h from now on. It starts a
// goroutine that Close ends. A topic that no message can have, such as "", has
// resyncs only.
func (b *Bus) Subscribe(topic string, h Handler) *Subscription {
	s := &Subscription{
		bus: b, topic: topic, handler: h, handled: versions{limit: b.cfg.KeysMax},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	b.mu.Lock()
	if b.subs[topic] == nil {
		b.subs[topic] = make(map[*Subscription]struct{})
	}
	b.subs[topic][s] = struct{}{}
	b.mu.Unlock()
	go s.run()
	return s
}

// Close ends the subscription and waits for the handler in progress; a
// handler must not call it. Closing twice does nothing more.
func (s *Subscription) Close() {
	s.bus.forget(s)
	s.once.Do(func() { close(s.stop) })
	<-s.done
}

func (b *Bus) forget(s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.subs[s.topic], s)
	if len(b.subs[s.topic]) == 0 {
		delete(b.subs, s.topic)
	}
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
	if resync {
		s.handled.forget()
		s.startOver()
	}
	for _, m := range messages {
		select {
		case <-s.stop:
			return
		default:
			s.handle(m)
		}
	}
}

func (s *Subscription) startOver() {
	if s.handler.Resync != nil {
		defer s.bus.caught("Resync", s.topic)
		s.handler.Resync()
	}
}

func (s *Subscription) handle(m Message) {
	if !s.handled.advance(m.Key, m.Version) {
		s.bus.metrics.skipped.Inc()
		return
	}
	if s.handler.Message != nil {
		defer s.bus.caught("Message", s.topic)
		s.handler.Message(m)
	}
}

func (s *Subscription) take() ([]Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages, resync := s.pending, s.resync
	s.pending, s.resync = nil, false
	return messages, resync
}

// push hands over a message without ever blocking the reader.
func (s *Subscription) push(m Message) {
	s.mu.Lock()
	s.pending = append(s.pending, m)
	if len(s.pending) > s.bus.cfg.QueueMax {
		s.pending, s.resync = nil, true
		s.bus.metrics.resyncs.WithLabelValues(causeQueue).Inc()
	}
	s.mu.Unlock()
	wake(s.wake)
}

func (s *Subscription) pushResync() {
	s.mu.Lock()
	s.pending, s.resync = nil, true
	s.mu.Unlock()
	wake(s.wake)
}

// deliver hands each message to the subscriptions of its topic.
func (b *Bus) deliver(messages []Message) {
	b.metrics.received.Add(float64(len(messages)))
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range messages {
		for s := range b.subs[m.Topic] {
			s.push(m)
		}
	}
}

func (b *Bus) resyncAll(cause string) {
	b.metrics.resyncs.WithLabelValues(cause).Inc()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, subs := range b.subs {
		for s := range subs {
			s.pushResync()
		}
	}
}
