import '../direct-peers.ts';
import '../../native/binding.test.ts';
