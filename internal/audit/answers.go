package audit

import "souk.example/contracts"

// answerTopics is where each service answers.
func answerTopics() map[string]string {
	return map[string]string{
		"inventory": contracts.TopicInventory, "payment": contracts.TopicPayment, "points": contracts.TopicPoints,
	}
}

// checkAnswer holds what a service answered about an order against its row
// (7): it finds an answer that is missing, wrong, or followed by another.
func checkAnswer(service string, order int64, said, want steps, f *findings) {
	if said == want {
		return
	}
	topic := answerTopics()[service]
	f.violated(Events, orderSubject(order), "%s answered (%s), by its row it should be (%s)", service, said.names(topic), want.names(topic))
}
