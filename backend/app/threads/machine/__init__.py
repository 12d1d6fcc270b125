"""What binds workers to the machine: queues, processors, its clock, its memory."""
