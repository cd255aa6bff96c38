package store

// TracesMax bounds the traces of calls that a Journal remembers.
const TracesMax = tracesMax

// KeepTrace has j remember a call's trace, as the transaction that adds it does.
func (j *Journal) KeepTrace(key, traceParent string) { j.traces.keep(key, traceParent) }

// TraceOf is the trace that j remembers of a call.
func (j *Journal) TraceOf(key string) string { return j.traces.find(key) }

// Traces counts the traces that j remembers.
func (j *Journal) Traces() int { return len(j.traces.young) + len(j.traces.old) }
