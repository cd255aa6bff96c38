// Package store keeps payments, refunds, wallets and the ledger in SQL. The hot
// paths, settling a batch and writing down what the provider says, are
// hand-written multi-row statements.
//
// What two transactions may want to change at once is changed under the
// condition that it still is what it was when it was decided on; else the
// transaction is run again. Rows are locked in this order: wallet, then
// provider_call, payment, refund; within a table by primary key.
package store

import "souk.example/pkg/database"

// Store implements payment.Wallets. Safe for concurrent use.
type Store struct{ db *database.DB }

// New makes a Store over db.
func New(db *database.DB) *Store { return &Store{db: db} }
