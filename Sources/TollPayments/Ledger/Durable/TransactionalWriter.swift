// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// One session with a database that writes a ledger: what ``GroupCommitQueue`` needs of it, whatever the database.
///
/// Called by one thread at a time, and blocks it until the database has answered.
package protocol TransactionalWriter: SendableMetatype {
    /// Whether a transaction is open. A lost connection or a failing disk ends one without being asked.
    var isInTransaction: Bool { get }

    /// Opens a transaction that may write.
    func begin() throws(StoreError)
    /// Marks a point in the transaction to which ``restore()`` returns. There is one at a time.
    func mark() throws(StoreError)
    /// Undoes everything since the mark, which stays. Whatever memory holds of it is forgotten.
    ///
    /// - Returns: False, and nothing undone, where what was written can only be undone with all of the transaction.
    func restore() throws(StoreError) -> Bool
    /// Takes the mark away and keeps what was done since.
    func unmark() throws(StoreError)
    /// Ends the transaction and returns when all of it is durable.
    func commit() throws(StoreError)
    /// Ends the transaction, if one is open, and undoes all of it. Whatever memory holds of it is forgotten. Where even this
    /// fails, every later ``begin()`` fails too: the ledger stays closed.
    func rollBack()
}
