// Package store keeps payments, refunds, wallets and the ledger in SQL. The hot
// paths, settling a batch and writing down what the provider says, are
// hand-written multi-row statements.
//
// What two transactions may want to change at once is changed under the
// condition that it still is what it was when it was decided on; else the
// transaction is run again. Rows of a table are locked by primary key. A
// settled batch locks wallets, then new payments, then calls; whoever writes
// down words or claims calls locks calls before payments, so the two can meet in
// a deadlock, which the database ends and InTx runs again.
package store

import "souk.example/pkg/database"

// Store implements payment.Wallets. Safe for concurrent use.
type Store struct{ db *database.DB }

// New makes a Store over db.
func New(db *database.DB) *Store { return &Store{db: db} }
