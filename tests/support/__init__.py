"""What the tests stand on: private servers, lanes, worker processes."""
