/* sync: whole nodes that talk over loopback. */
#include "lib/cmocka.h"
#include "lib/nodes.h"

static void two_nodes_replicate_both_ways(void **state)
{
	struct node ana;
	struct node ben;
	(void)state;
	node_init(&ana, 0);
	node_init(&ben, 1);
	for (int i = 0; i < 300; i++) {
		(void)node_publish(&ana, "{\"type\":\"post\",\"text\":\"ana %d\"}", i);
	}
	for (int i = 0; i < 5; i++) {
		(void)node_publish(&ben, "{\"type\":\"post\",\"text\":\"ben %d\"}", i);
	}
	node_contact(&ana, &ben.self.id, EDGE_FOLLOW);
	node_contact(&ben, &ana.self.id, EDGE_FOLLOW);
	node_connect(&ana, &ben);
	node_wait(&ben, &ana.self.id, 301);
	node_wait(&ana, &ben.self.id, 6);
	nodes_agree(&ana, &ben, &ana.self.id);
	nodes_agree(&ana, &ben, &ben.self.id);
	/* Live, both ways. */
	(void)node_publish(&ana, "{\"type\":\"post\",\"text\":\"now\"}");
	(void)node_publish(&ben, "{\"type\":\"post\",\"text\":\"now\"}");
	node_wait(&ben, &ana.self.id, 302);
	node_wait(&ana, &ben.self.id, 7);
	node_fini(&ana);
	node_fini(&ben);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nodes_replicate_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
