"""What the gate knows and decides of live orders: pure logic, stepped with the time handed in."""
